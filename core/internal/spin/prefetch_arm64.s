#include "textflag.h"

// func PrefetchWrite(word *atomic.Uint64)
TEXT ·PrefetchWrite(SB), NOSPLIT, $0-8
	MOVD word+0(FP), R0
	PRFM (R0), PSTL1KEEP
	RET
