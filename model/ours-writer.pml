/* ours.pml: the writer. */

/* Go: lowerFree. r is loaded after f: the reader moves it first and adds later. */
inline lower() {
	f = F;
	d_step { r = R; r = fold(r); f2 = S - distance(r, pos) }
	d_step {
		if
		:: F == f && f > f2 -> F = f2
		:: else
		fi;
		f = 0; f2 = 0; r = 0
	}
}

/* Go: place. A lap may end early at any frame. Part of a step. */
inline place() {
	if
	:: pos != 0 && S - pos >= H && goodEnd(total) && room >= S - pos + total ->
		at = 0; tail = S - pos
	:: total <= S - pos && goodEnd(pos + total) && (!anchored || pos == 0) && room >= total ->
		at = pos; tail = 0
	:: else
	fi
}

/* Go: drained, placeAnew, refresh */
inline anew() {
	if
	:: pos != 0 && (fold(R) == pos || BROKEN == RESTART_UNREAD) ->
		if
		:: T == 0 -> restart = 1
		:: else
		fi
	:: else
	fi;
	if
	:: restart -> at = 0; tail = 0
	:: else ->
		atomic {
			r = R; r = fold(r);
			room = S - distance(r, pos) - (BROKEN != CATCH_UP);
			if
			:: BROKEN == ADD_FIRST -> room = F - 1
			:: else
			fi;
			r = 0;
			place()
		}
	fi
}

/* Go: planAhead. old frames end at e, the last of them has the number last. Part of a step. */
inline plan() {
	r = R; r = fold(r);
	room = S - distance(r, pos) - 1;
	if
	:: pos != 0 && r <= pos && total <= S - pos && goodEnd(pos + total) && !anchored &&
		room >= total ->
		do
		:: e >= total -> break
		:: else ->
			if
			:: e + H > r || mem[e] == 0 || marked(e) || e + H + mem[e] > r -> e = 0; break
			:: else -> last = number(e); e = e + H + mem[e]
			fi
		od
	:: else
	fi;
	r = 0
}

/* Go: Open with a plan, settleAhead, retire. The frame waits at 0 until it has to go on. */
inline ahead() {
	setUnit(1, seq + MARK);
	setUnit(0, total - H);
	setPayload(0, total - H, seq);
	if
	:: fold(R) == pos || BROKEN == UNDRAINED -> restart = 1; at = 0; e = 0; last = 0
	:: at = pos; retire()
	:: total = 0 /* given up: retire comes before the next frame */
	fi;
	tail = 0
}

/* Go: retire */
inline retire() {
	if
	:: BROKEN != NO_OLD_FRAME -> setUnit(0, e - H); setUnit(1, last)
	:: else
	fi;
	d_step { e = 0; last = 0; anchored = 0 }
}

/* Go: Open, Seal, Flush. What is at 0 already is written once more, which changes nothing. */
inline write() {
	if
	:: tail >= H -> setUnit(pos, 0); setUnit(pos + 1, 0)
	:: else
	fi;
	setUnit(at + 1, seq + (at == 0 && BROKEN != NO_MARK) * MARK);
	setUnit(at, total - H);
	setPayload(at, total - H, seq);
	if
	:: restart -> R = 0
	:: else
	fi;
	if
	:: BROKEN == POST_FIRST -> T++
	:: else
	fi;
	d_step { W = fold(at + total); publish(at, total, seq) }
	if
	:: at == 0 && BROKEN != UNMARK_LATE -> mem[at + 1] = seq
	:: else
	fi;
	if
	:: BROKEN != POST_FIRST -> T++
	:: else
	fi;
	if
	:: BROKEN == UNMARK_LATE -> mem[at + 1] = seq
	:: else
	fi;
	d_step {
		F = F - tail - total;
		anchored = anchored && at != 0;
		room = (restart || room < tail + total -> 0 : room - tail - total);
		pos = fold(at + total); seq++;
		at = 0; tail = 0; total = 0; restart = 0
	}
}

proctype Writer() {
	WALK;
	byte pos, seq = 1, at, tail, total, r, r2, w, i, e;
	short f, f2, room;
	bit restart, anchored, unmark, quiet;

attach:
	{
		alive = 1; /* the lock byte comes first */
		d_step { writers++; wpid = writers }
		if
		:: writers == 1 -> seq = 1; goto idle
		:: else
		fi;
		/*
		 * Go: secondLook. Both sides lower the free bytes by compare-and-swap, which does not see
		 * that the other one did and that the reader added the same: the 10 ms keep them apart.
		 */
		(!burying || BROKEN == SLOW_BURIAL);
		r = R;
		d_step {
			w = W;
			if
			:: BROKEN != NO_UNDO && marked(0) && r == 0 && w != 0 && w != H + mem[0] ->
				w = 0; restart = 1
			:: else
			fi;
			r = fold(r);
			walk(r, distance(r, w));
			assert(whole);
			if
			:: cnt == 0 && marked(0) -> last = number(0) - 1
			:: cnt == 0 && !marked(0) -> lastNumber(w)
			:: else
			fi;
			pos = w; seq = last + 1;
			unmark = cnt > 0 && marked(lastAt);
			anchored = marked(0) && w != 0 && !unmark;
			if
			:: anchored && cnt > 0 && r > H && r < w && BROKEN != STAYS_ANCHORED ->
				e = r; r2 = last - cnt
			:: else
			fi;
			/* A restart whose new write_pos is the old one is published by read_pos = 0. */
			if
			:: unmark && last == pub + 1 -> publish(lastAt, H + mem[lastAt], last)
			:: else
			fi;
			assert(last == pub)
		}
		if
		:: restart -> W = 0; restart = 0
		:: else
		fi;
		if
		:: unmark -> mem[lastAt + 1] = last; unmark = 0
		:: e != 0 -> last = r2; retire()
		:: else
		fi;
		d_step { r = 0; r2 = 0; w = 0; last = 0; lastAt = 0; lastWaste = 0; whole = 0 }
		lower();
		if
		:: cnt > 0 && BROKEN != NO_TOKEN -> T++ /* Go: tokensAtAttach */
		:: else
		fi;
		cnt = 0;

idle:
		do
		:: BROKEN != HEAL_ONCE && F > S - distance(fold(R), pos) -> lower() /* at any later look */
		:: d_step {
			/* All is written: when the reader waits in vain, everything must be there. */
			seq > FRAMES && waiting && T == 0 && holding == 0 ->
			assert(got == pub && pub == FRAMES);
			assert(fold(R) == pos);
			assert(F == S || (F > S && BROKEN != HEAL_ONCE))
		}
		:: seq <= FRAMES ->
			if
			:: e != 0 -> retire()
			:: else
			fi;
			select (total : MIN .. MAX);
			d_step {
				at = 255; tail = 0;
				quiet = waiting && T == 0 && holding == 0
			}
			if
			:: AHEAD -> atomic { plan() }
			:: atomic { place() } /* with the room that is known */
			:: skip
			fi;
			if
			:: e != 0 -> ahead()
			:: e == 0 && at == 255 -> anew()
			:: else
			fi;
			if
			:: total == 0 -> d_step { at = 0; quiet = 0 }
			:: total != 0 && at == 255 ->
				d_step {
					assert(!quiet);
					/* There is no room behind the last frame, or everything has come back. */
					r = R; r = fold(r);
					assert(r == pos || !anchored || total > S - pos || !goodEnd(pos + total) ||
						S - distance(r, pos) - 1 < total);
					r = 0; total = 0; at = 0; quiet = 0
				}
			:: else -> quiet = 0; write()
			fi
		od
	} unless {
		kill ->
		d_step {
			alive = 0;
			kill = 0; pos = 0; seq = 0; at = 0; tail = 0; total = 0; r = 0; w = 0; i = 0;
			r2 = 0; e = 0; f = 0; f2 = 0; room = 0; restart = 0; anchored = 0; unmark = 0; quiet = 0;
			cnt = 0; last = 0; lastAt = 0; lastWaste = 0; p = 0; left = 0; wst = 0; whole = 0
		}
		goto attach
	}
}
