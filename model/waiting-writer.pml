/* waiting.pml: the writer. */

/* Go: Producer.Flush towards a reader of ours; k frames are published at once. */
inline publish() {
	if
	:: BROKEN == POST_FIRST -> post(DATA, k)
	:: else
	fi;
	atomic { toW = seq; dirtyW = 1 }
	if
	:: BROKEN != POST_FIRST -> post(DATA, k)
	:: else
	fi;
	k = 0
}

#define room (CAP - seq + (FOREIGN -> back : R))

proctype Writer() {
	byte seq, k, n, old; /* seq: frames written, k: of these not published, n: tokens */
	bit over;
	goto call;

attach:
	{
		/* Go: attach, claimPID, recover */
		if
		:: true
		:: done[WRITER] = 1; goto end /* no other writer comes */
		fi;
		alive = 1;
		d_step { writers++; wpid = writers }
		(!burying || BROKEN == SLOW_RESET); /* secondLook */
		do
		:: BROKEN == NO_RESET || waiters[SPACE] == 0 -> break
		:: else ->
			/* Again if the reader has posted meanwhile. */
			d_step { n = waiters[SPACE]; old = value[SPACE] }
			atomic {
				if
				:: value[SPACE] == old && waiters[SPACE] == n -> waiters[SPACE] = 0
				:: else
				fi;
				n = 0; old = 0
			}
			if
			:: BROKEN == RESET_ONCE -> break
			:: else
			fi
		od;
		seq = W;
		if
		:: W != R -> /* one for each: more do no harm, and a whole batch may be without */
			k = (BROKEN == ONE_TOKEN -> 1 : W - R);
			post(DATA, k);
			k = 0
		:: else
		fi;

call:
		do
		:: seq == FRAMES -> break
		:: else ->
			atomic {
				if
				:: !busy[WRITER] -> busy[WRITER] = 1
				:: else -> goto out
				fi
			};
			if
			:: canceled[WRITER] -> goto ended0
			:: else
			fi;
again:			if
			:: rpid == 0 -> goto ended0
			:: rpid != 0 && room > 0 ->
				d_step { assert(seq - got < CAP); slot[seq % CAP] = seq + 1; seq++; k++ };
				if
				:: publish()
				:: seq < FRAMES && FOREIGN != 2 -> goto again /* WriteBatch */
				fi
			:: else ->
				if
				:: k > 0 && BROKEN != UNFLUSHED -> publish()
				:: else
				fi;
				take(SPACE, n);
				if
				:: n == 0 || BROKEN == NO_LOOK -> wait(WRITER, SPACE, n)
				:: else
				fi;
				n = 0;
				if
				:: over -> goto ended0
				:: else -> goto again
				fi
			fi;
			busy[WRITER] = 0
		od;
		/* Close, or the writer stays and writes no more. */
		if
		:: FOREIGN -> goto out
		:: !FOREIGN -> goto out
		:: !FOREIGN ->
			closed[WRITER] = 1;
			do
			:: atomic { !busy[WRITER] -> busy[WRITER] = 1 }
				wpid = 0; post(DATA, 1); goto out
			:: atomic { busy[WRITER] -> goto out } /* closed already */
			od
		fi;
ended0:
		if
		:: k > 0 -> publish()
		:: else
		fi;
		over = 0;
		busy[WRITER] = 0;
out:
		done[WRITER] = 1;
		if
		:: false /* it lives on, and may still be killed */
		fi
	} unless {
		kill ->
		d_step {
			kill = 0; alive = 0; died = 1; asleep[SPACE] = 0;
			if
			:: dirtyW -> W = toW; dirtyW = 0 /* the buffer of a processor outlives the process */
			:: else
			fi;
			seq = 0; k = 0; n = 0; old = 0; over = 0;
			busy[WRITER] = 0; closed[WRITER] = 0; blocks[WRITER] = 0; ended[WRITER] = 0; done[WRITER] = 0
		}
		goto attach
	};
end:	skip
}
