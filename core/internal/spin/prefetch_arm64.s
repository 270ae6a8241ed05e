#include "textflag.h"

// func prefetchWriteLines(p *byte, n uint64)
TEXT ·prefetchWriteLines(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1

again:
	PRFM (R0), PSTL1KEEP
	ADD  $64, R0
	SUB  $1, R1
	CBNZ R1, again
	RET

// func prefetchReadLines(p *byte, n uint64)
TEXT ·prefetchReadLines(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD n+8(FP), R1

again:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	SUB  $1, R1
	CBNZ R1, again
	RET
