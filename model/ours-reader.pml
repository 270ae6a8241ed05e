/* ours.pml: the reader. */

/* Go: Consumer.look, the loads in its order */
inline look() {
	w = W;
	d_step {
		if
		:: R != read ->
			assert(R == 0 && holding == 0 && rel == read); /* else ErrCorrupt */
			read = 0; rel = 0; pos = 0
		:: else
		fi;
		unread = distance(pos, w);
		w = 0
	}
}

/*
 * Go: Consumer.Next. ok tells whether there was a frame. write_pos may be older than the frame at
 * 0 if that is a restart, so it is loaded again once the mark is seen to be gone.
 */
inline next() {
	ok = 0;
	seen = unread != 0;
	if
	:: !seen -> look()
	:: else
	fi;
	d_step {
		x = (isWrap(pos) -> 0 : pos);
		if
		:: unread == 0 -> seen = 0
		:: unread != 0 && marked(x) -> unread = 0
		:: else -> seen = 0; ok = 1
		fi
	}
	if
	:: ok && x == 0 && BROKEN != STALE_UNREAD -> w = W; unread = distance(pos, w); w = 0
	:: else
	fi;
	d_step {
		if
		:: ok ->
			w = (x == pos -> 0 : S - pos) + H + mem[x]; /* waste and total */
			assert(w <= unread); /* else ErrCorrupt */
			receive(x);
			unread = unread - w;
			if
			:: holding == 1 -> first = x + H + mem[x]
			:: else -> second = x + H + mem[x]
			fi;
			pos = fold(x + H + mem[x])
		:: else
		fi;
		x = 0; w = 0
	}
}

inline nextTwice() {
	next();
	if
	:: seen && !ok -> next()
	:: else
	fi;
	seen = 0
}

/* Go: giveBack. Nothing is stored to read_pos after the addition. */
inline giveBack() {
	w = distance(fold(read), fold(rel));
	if
	:: BROKEN == ADD_FIRST -> F = F + w; R = rel
	:: else -> R = rel; F = F + w
	fi;
	d_step { read = rel; w = 0 }
}

/* Go: Consumer.Heal and Reader.bury for the dead writer x */
inline bury() {
	d_step {
		burying = 1;
		w = W;
		if
		:: marked(0) && R == 0 && w != 0 && w != H + mem[0] -> w = 0
		:: else
		fi;
		w = S - distance(fold(R), w)
	}
	f = F;
	if
	:: f != w && wpid == x ->
		d_step { if :: F == f -> F = w :: else fi }
	:: else
	fi;
	d_step {
		if
		:: wpid == x -> wpid = 0; gone = 1
		:: else
		fi;
		f = 0; w = 0; burying = 0
	}
}

/* Go: meetWriter with look */
inline meet() {
	x = wpid;
	if
	:: x == 0 -> gone = (writers > 0)
	:: x != 0 && alive -> gone = 0
	:: x != 0 && !alive -> bury()
	fi;
	x = 0
}

proctype Reader() {
	byte i, pos, unread, credit, peeked, w, x;
	byte read, rel, first, second; /* published, released, ends of held frames */
	bit ok, seen, gone;
	short f;
	do
	:: d_step { holding > 0 ->
		giveUp(got - holding + 1);
		rel = (BROKEN == READ_AHEAD -> rel : first); first = second; second = 0 }
	:: rel != read && BROKEN != READ_AHEAD -> giveBack()
	:: holding < HELD ->
		if
		:: credit == 0 -> /* takes all that is there; some may be used already */
			atomic { credit = T - peeked; T = 0; waiting = 0; peeked = 0 }
		:: credit == 0 && T > peeked -> /* a look at the token, it is taken later */
			nextTwice();
			if
			:: ok -> peeked++
			:: else ->
				/* Tokens that are taken after the look need another look. */
				atomic { credit = (BROKEN == DROP_UNSEEN -> 0 : T - peeked);
					T = 0; waiting = 0; peeked = 0 }
			fi
		:: credit > 0
		fi;
		if
		:: !ok && credit > 0 ->
			nextTwice();
			credit = (ok -> credit - 1 : 0)
		:: else
		fi;
		if
		:: ok && BROKEN == READ_AHEAD -> rel = (holding == 1 -> first : second); giveBack()
		:: else
		fi;
		if
		:: !ok && peeked == 0 ->
			meet();
			if
			:: gone ->
				nextTwice();
				d_step {
					/* The writer is buried and no other has come: the accounts are right. */
					if
					:: !ok && !alive && wpid == 0 && unread == 0 && holding == 0 && rel == read ->
						assert(got == pub || marked(0));
						w = W;
						if
						:: R == 0 && marked(0) && w != H + mem[0] -> w = 0
						:: else
						fi;
						assert(F == S - distance(fold(R), w));
						w = 0
					:: else
					fi
				}
			:: else
			fi;
			if
			:: ok || holding > 0
			:: !ok && holding == 0 && rel != read -> giveBack() /* all that is owed, then it waits */
			:: !ok && holding == 0 && rel == read ->
				d_step { if :: T == 0 -> waiting = 1 :: else fi }
				/* A token, a death, or another writer after the burial. */
				(T > 0 || (gone && alive && wpid != 0) || (!alive && wpid != 0));
			fi
		:: else
		fi;
		ok = 0
	od
}
