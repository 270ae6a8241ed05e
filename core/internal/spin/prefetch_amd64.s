#include "textflag.h"

// func prefetchWriteLines(p *byte, n uint64)
TEXT ·prefetchWriteLines(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ n+8(FP), CX

again:
	BYTE $0x0F; BYTE $0x0D; BYTE $0x08 // PREFETCHW (AX), which the assembler does not know
	ADDQ $64, AX
	SUBQ $1, CX
	JNZ  again
	RET

// func prefetchReadLines(p *byte, n uint64)
TEXT ·prefetchReadLines(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ n+8(FP), CX

again:
	PREFETCHT0 (AX)
	ADDQ       $64, AX
	SUBQ       $1, CX
	JNZ        again
	RET
