/* foreign.pml: what the writer does, in steps. */

/* Go: lowerFree. r is loaded after f: the reader moves it first and adds later. */
inline lower() {
	do
	:: true ->
		f = F;
		d_step { r = R; f2 = S - lowUse(r, pos) }
		if
		:: f <= f2 -> break
		:: f > f2 && F != f
		:: d_step { f > f2 && F == f -> F = f2; until = (waste -> until - (f - f2) : 0) }
			break
		fi
	od;
	skip;
	d_step { f = 0; f2 = 0; r = 0 }
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

/* Go: drained */
inline drained() {
	restart = 0;
	if
	:: F == S || BROKEN == RESTART_HELD ->
		if
		:: R == pos ->
			if
			:: T == 0 -> restart = 1
			:: else
			fi
		:: else
		fi
	:: else
	fi
}

/* Go: reclaim. t0 tells whether anything was lost. */
inline reclaim() {
	f = F;
	d_step {
		t0 = 0;
		if
		:: f < S && T == 0 && waiting && R == pos ->
			r = (pos == 0 -> S : pos); /* the end of the lap */
			if
			:: S - f < r ->
				walk(0, r);
				t0 = whole; p = 0; x = 0;
				do
				:: p < r && t0 ->
					if
					:: r - p <= S - f && x == 0 -> x = r - p /* most that can be held */
					:: else
					fi;
					p = p + H + mem[p]
				:: else -> break
				od;
				t0 = t0 && x != S - f
			:: else
			fi
		:: else
		fi;
		r = 0; p = 0; cnt = 0; last = 0; lastAt = 0; lastWaste = 0; whole = 0
	}
	d_step {
		if
		:: t0 && F == f -> F = S - x; waste = 0; until = 0
		:: else -> t0 = 0
		fi;
		f = 0; x = 0
	}
}

/* Go: placeAnew */
inline anew() {
	lower();
	if
	:: pos != 0 -> drained()
	:: else
	fi;
	if
	:: restart -> at = 0; tail = 0
	:: else ->
		r = R; /* Go: requiet, settledFree */
		atomic {
			f = clamp(F);
			if
			:: waste && f < until && BROKEN != WASTE_AT_ONCE -> f = f - less(f, waste)
			:: else -> waste = 0; until = 0
			fi;
			if
			:: BROKEN == NO_POSITIONS -> room = f
			:: else -> room = less(f, S - distance(r, pos) - 1)
			fi;
			f = 0; r = 0;
			place()
		};
		if
		:: at == 255 ->
			reclaim();
			if
			:: !t0 -> /* a frame that leaves a tail too short for a marker */
				drained();
				if
				:: restart -> at = 0; tail = 0
				:: else
				fi
			:: else -> t0 = 0 /* at the next attempt */
			fi
		:: else
		fi
	fi
}

/* The one subtraction, and Go: noteWaste */
inline subtract() {
	d_step {
		if
		:: tail != 0 -> waste = tail; until = S + tail
		:: else
		fi;
		F = F - tail - total;
		until = (waste -> until - tail - total : 0)
	}
}

/* Go: Open, Seal, Flush */
inline write() {
	if
	:: tail >= H -> setUnit(pos, 0); setUnit(pos + 1, 0)
	:: else
	fi;
	setUnit(at + 1, seq + (BROKEN != NO_MARK -> MARK : 0));
	setUnit(at, total - H);
	setPayload(at, total - H, seq);
	if
	:: BROKEN == SUBTRACT_FIRST -> subtract()
	:: else
	fi;
	if
	:: restart -> d_step { R = 0; room = 0 }
	:: else
	fi;
	d_step { W = fold(at + total); publish(at, total, seq) }
	if
	:: BROKEN != SUBTRACT_FIRST -> subtract()
	:: else
	fi;
	if
	:: BROKEN == UNMARK_LATE -> T++; mem[at + 1] = seq
	:: else -> mem[at + 1] = seq; T++
	fi;
	d_step {
		anchored = anchored && at != 0;
		room = (room > tail + total -> room - tail - total : 0);
		pos = fold(at + total); seq++;
		at = 0; tail = 0; total = 0; restart = 0
	}
}

/* Go: Settle */
inline settle() {
	d_step { x = T; t0 = waiting }
	r = R;
	d_step { walk(r, distance(r, pos)) }
	d_step { whole = whole && T == x && waiting == t0 }
	if
	:: whole && R == r ->
		if
		:: x == 0 && t0 -> unsettled = 0; T = T + cnt
		:: x == cnt && !(x == 0 && t0) -> unsettled = 0
		:: else
		fi
	:: else
	fi;
	d_step { x = 0; t0 = 0; r = 0; cnt = 0; last = 0; lastAt = 0; lastWaste = 0; whole = 0 }
}
