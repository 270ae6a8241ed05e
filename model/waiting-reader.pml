/* waiting.pml: the reader. */

/* Go: Consumer.giveBack */
inline giveBack() {
	n = 1;
	if
	:: BROKEN == LOOK_EARLY -> n = value[SPACE] == 0
	:: else
	fi;
	atomic { toR = pos; dirtyR = 1 }
	atomic { flush(SPACE); back = pos }
	if
	:: n && (BROKEN == LOOK_EARLY || value[SPACE] == 0) -> post(SPACE, 1)
	:: else
	fi;
	n = 0
}

/* Go: Reader.bury */
inline bury() {
	d_step { burying = 1; n = waiters[SPACE]; old = value[SPACE] }
	if
	:: n > 0 && wpid == x && BROKEN != NO_RESET ->
		atomic {
			if
			:: value[SPACE] == old && waiters[SPACE] == n -> waiters[SPACE] = 0
			:: else
			fi
		}
	:: else
	fi;
	d_step {
		if
		:: wpid == x -> wpid = 0; gone = 1
		:: else
		fi;
		n = 0; old = 0; burying = 0
	}
}

/* One frame is read and given up; the space goes back now or later. */
inline readOne() {
	d_step { assert(slot[pos % CAP] == pos + 1); pos++ }
	got = pos;
	if
	:: giveBack()
	:: waiters[SPACE] == 0
	fi
}

proctype Reader() {
	byte pos, credit, peeked, n, old, x;
	bit over, gone;
	do
	:: FOREIGN != 1 ->
		/* A call. The application may stop calling for ever once it holds nothing. */
		if
		:: true
		:: idle = 1; break
		fi;
		atomic {
			if
			:: !busy[READER] -> busy[READER] = 1
			:: else -> break
			fi
		};
		if
		:: canceled[READER] -> busy[READER] = 0; break
		:: else
		fi;
again:		if
		:: credit == 0 -> atomic { credit = value[DATA] - peeked; value[DATA] = 0; peeked = 0 }
		:: credit == 0 && value[DATA] > peeked -> /* a look at the token, it is taken later */
			if
			:: pos < W -> peeked++; readOne(); goto read
			:: else ->
				atomic {
					credit = (BROKEN == DROP_UNSEEN -> 0 : value[DATA] - peeked);
					value[DATA] = 0; peeked = 0
				}
			fi
		:: credit > 0
		fi;
		if
		:: credit > 0 && pos < W -> credit--; readOne(); goto read
		:: else -> credit = 0
		fi;
		if
		:: peeked > 0 -> goto again
		:: else
		fi;
		/* Go: meetWriter */
		x = wpid;
		if
		:: x == 0 -> gone = 1
		:: x != 0 && alive -> gone = 0
		:: x != 0 && !alive -> bury()
		fi;
		x = 0;
		if
		:: gone ->
			if
			:: pos < W -> readOne(); goto read
			:: else
			fi
		:: else
		fi;
		if
		:: toR != pos && BROKEN != OWES -> giveBack()
		:: else
		fi;
		if
		:: gone -> /* ErrWriterClosed, ErrWriterDead; then WaitWriter */
			busy[READER] = 0;
			if
			:: wpid != 0 || pos < W
			:: closed[READER] || canceled[READER] -> break
			fi;
			gone = 0;
			goto next
		:: else
		fi;
		wait(READER, DATA, credit);
		if
		:: over -> busy[READER] = 0; over = 0; break
		:: else -> goto again
		fi;
read:		busy[READER] = 0;
next:		skip
	:: FOREIGN == 1 ->
		/* sem_wait, or sem_timedwait that has no end here; a token a frame, a post a release. */
		if
		:: atomic { value[DATA] > 0 -> value[DATA]-- }
		:: value[DATA] == 0 ->
			waiters[DATA]++;
			do
			:: block(DATA);
				atomic {
					if
					:: value[DATA] > 0 -> value[DATA]--; waiters[DATA]--; break
					:: else
					fi
				}
			od
		fi;
		assert(pos < W);
		d_step { assert(slot[pos % CAP] == pos + 1); pos++; R = pos };
		got = pos;
		back = pos;
		post(SPACE, 1)
	od;
	/* Go: the goroutine that gives back for an application that does not call. */
	if
	:: FOREIGN != 1 && toR != pos && BROKEN != NO_FLUSHER -> giveBack()
	:: else
	fi;
	done[READER] = 1
}
