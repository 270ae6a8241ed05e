/*
 * The two semaphores: the word of glibc and the futex below it (contract 6; Go:
 * core/linux/futex/word_linux.go). A word is changed in one step; between two steps anything may
 * happen.
 */
#define DATA 0  /* sem-w: the writer posts, the reader waits */
#define SPACE 1 /* sem-r: the reader posts, the writer waits */

byte value[2];   /* low half of the word */
byte waiters[2]; /* high half */
bit asleep[2];   /* in the kernel: the one that waits on this word sleeps */

/* Go: Word.Post. The addition is a locked instruction; it empties the store buffer as well. */
inline post(q, n) {
	atomic { flush(q); value[q] = value[q] + n; old = waiters[q] }
	if
	:: old > 0 -> asleep[q] = 0
	:: else
	fi;
	old = 0
}

/* Go: Word.Take with no limit. */
inline take(q, n) {
	atomic { n = value[q]; value[q] = 0 }
}

/* Go: futex.Block. The kernel compares the value before it sleeps. */
inline block(q) {
	if
	:: atomic { value[q] == 0 || BROKEN == NO_COMPARE -> asleep[q] = 1 }
		if
		:: !asleep[q]
		:: TIMEOUTS -> asleep[q] = 0
		fi
	:: value[q] != 0 && BROKEN != NO_COMPARE
	fi
}

/* Go: Word.takeAndLeave: tokens and the waiter in one step. */
inline leave(q, limit, n) {
	atomic {
		n = (value[q] < limit -> value[q] : limit);
		value[q] = value[q] - n;
		waiters[q] = waiters[q] - (waiters[q] > 0)
	}
}
