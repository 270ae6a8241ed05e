#include "textflag.h"

// func sumBlocks(b []byte) uint64
TEXT ·sumBlocks(SB), NOSPLIT, $0-32
	MOVQ b_base+0(FP), AX
	MOVQ b_len+8(FP), CX
	ADDQ AX, CX
	PXOR X0, X0
	PXOR X1, X1

again:
	MOVOU 0(AX), X2
	MOVOU 16(AX), X3
	ADDQ  $32, AX
	PADDQ X2, X0
	PADDQ X3, X1
	CMPQ  AX, CX
	JNE   again

	PADDQ  X1, X0
	MOVQ   X0, AX
	PSRLDQ $8, X0
	MOVQ   X0, CX
	ADDQ   CX, AX
	MOVQ   AX, ret+24(FP)
	RET
