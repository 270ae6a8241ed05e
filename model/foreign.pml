/*
 * The accounts towards a reader of another language (contract 3a, 4, 5a): the order of our
 * writer's stores, a kill between any two of them, a successor whose repairs may be killed as well,
 * and a strict reader that holds up to two frames, also across a wrap.
 *
 * Go: ring.Producer with foreign = true (producer.go, place.go, recover.go).
 *
 * What must hold: no unit of an unread or held frame is overwritten (setUnit, setPayload); the
 * reader gets every published frame once, whole and in order (receive); the numbers go on after a
 * kill (publish); nobody is stuck and all space comes back, unless an account was in doubt.
 */
#define SUBTRACT_FIRST 1  /* the subtraction comes before write_pos */
#define NO_MARK 2         /* frames are not marked as unfinished */
#define TOKENS_AT_ONCE 3  /* missing tokens are counted at attach */
#define WASTE_AT_ONCE 4   /* a marker's waste counts as free as soon as it comes back */
#define NO_GUARD 5        /* a new writer does not protect what is held across a wrap */
#define NO_POSITIONS 6    /* room is what payload_free_bytes says */
#define RESTART_HELD 7    /* restart at 0 without a look at the free bytes */
#define UNMARK_LATE 8     /* the token is posted before the mark is taken away */
#define NO_UNDO 9         /* a restart that was half done is not undone */
#define NO_SETTLE 10      /* tokens that a killed writer owed are never posted */

#include "ring.pml"

#ifndef MAX
#define MIN 3 /* units of a frame with its header */
#define MAX 6
#endif
#ifndef HELD
#define HELD 2 /* frames that the reader holds at most */
#endif

/* Go: view.free, min */
#define clamp(f) (f * (f >= 0 && f <= S) + S * (f > S))
#define less(a, b) ((a) < (b) -> a : b)
/* Go: Producer.lowUse. The waste right at r may be back already. */
#define lowUse(r, w) (distance(r, w) - (w < r && isWrap(r)) * (S - r))

#include "foreign-steps.pml"

proctype Writer() {
	WALK;
	byte pos, seq = 1, at, tail, total, r, w, x, i;
	short f, f2, room;
	byte waste;  /* what may have come back too early (Go: Producer.waste.bytes) */
	short until; /* payload_free_bytes from which it counts; goes down with own subtractions */
	bit restart, anchored, unsettled, t0, quiet;
	goto idle;

attach:
	{
		/* Go: Attach, inspect, snapshot */
		do
		:: f = clamp(F); r = R;
			if :: clamp(F) == f -> break :: else fi
		od;
		skip;
		d_step {
			w = W;
			if
			:: BROKEN != NO_UNDO && marked(0) && r == 0 && w != 0 && w != H + mem[0] ->
				w = 0; restart = 1
			:: else
			fi;
			walk(r, distance(r, w));
			assert(whole);
			if
			:: cnt == 0 && marked(0) -> last = number(0) - 1
			:: cnt == 0 && !marked(0) -> lastNumber(w)
			:: else
			fi;
			pos = w; seq = last + 1;
			anchored = marked(0) && w != 0 && !(cnt > 0 && lastAt == 0);
			x = 0; total = 0;
			if
			:: cnt > 0 && marked(lastAt) -> x = 1; total = lastWaste + H + mem[lastAt]
			:: else
			fi;
			/* A restart whose new write_pos is the old one is published by read_pos = 0. */
			if
			:: x && last == pub + 1 -> publish(lastAt, H + mem[lastAt], last)
			:: else
			fi;
			assert(last == pub);
			t0 = f + lowUse(r, w) <= S /* Go: done */
		}
		if
		:: restart -> W = 0; restart = 0
		:: else
		fi;
		/* Go: finish */
		if
		:: x ->
			if
			:: t0 && total > f
			:: else ->
				if :: t0 -> doubt = 1 :: else fi;
				f2 = less(total, clamp(F));
				F = F - f2
			fi;
			mem[lastAt + 1] = last
		:: else
		fi;
		lower();
		/* Go: guardHeld */
		do
		:: f = clamp(F); r = R;
			if :: clamp(F) == f -> break :: else fi
		od;
		skip;
		d_step {
			w = S - f; /* taken */
			if
			:: BROKEN == NO_GUARD
			:: BROKEN != NO_GUARD && pos < r ->
				waste = S - r; until = f + w - less(w, pos)
			:: BROKEN != NO_GUARD && pos >= r && w - less(w, pos - r) > r ->
				waste = S; until = f + w - less(w, pos - r) - r
			:: else
			fi;
			/* Go: tokensAtAttach */
			unsettled = cnt != 0 && (cnt != 1 || !x);
			f = 0; f2 = 0; total = 0; w = 0; t0 = 0
		}
		if
		:: BROKEN == TOKENS_AT_ONCE ->
			unsettled = 0;
			d_step {
				r = R; walk(r, distance(r, pos)); r = 0;
				if :: T < cnt -> T = cnt :: else fi
			}
		:: BROKEN != TOKENS_AT_ONCE && x -> T++
		:: else
		fi;
		d_step { x = 0; r = 0; cnt = 0; last = 0; lastAt = 0; lastWaste = 0; whole = 0 }

idle:
		do
		:: unsettled && BROKEN != NO_SETTLE && (T > 0 || waiting) -> settle()
		:: d_step {
			/* All is written: when the reader waits in vain, everything must be there. */
			seq > FRAMES && waiting && T == 0 && holding == 0 &&
				(!unsettled || BROKEN == NO_SETTLE) ->
			assert(got == pub && pub == FRAMES);
			assert(doubt || F == S)
		}
		:: seq <= FRAMES ->
			select (total : MIN .. MAX);
			d_step {
				at = 255; tail = 0;
				quiet = waiting && T == 0 && holding == 0 && !unsettled
			}
			if
			:: atomic { place() } /* Go: place, with the room that is known */
			:: skip
			fi;
			if
			:: at == 255 -> anew()
			:: else
			fi;
			if
			:: at == 255 ->
				/* When nobody can go on, only space in doubt may be the reason. */
				d_step { assert(!quiet || (got == pub && doubt)); total = 0; at = 0; quiet = 0 }
			:: else -> quiet = 0; write()
			fi
		od
	} unless {
		kill ->
		d_step {
			kill = 0; pos = 0; seq = 0; at = 0; tail = 0; total = 0; r = 0; w = 0; x = 0; i = 0;
			f = 0; f2 = 0; room = 0; waste = 0; until = 0; restart = 0; anchored = 0;
			unsettled = 0; t0 = 0; quiet = 0;
			cnt = 0; last = 0; lastAt = 0; lastWaste = 0; p = 0; left = 0; wst = 0; whole = 0
		}
		goto attach
	}
}

/* A reader of another language: a token a frame, markers at once, space back in order. */
proctype Reader() {
	byte i, first, second; /* totals of the frames it holds */
	do
	:: d_step {
		holding > 0 ->
		F = F + first; giveUp(got - holding + 1); first = second; second = 0
	}
	:: d_step { holding < HELD && T > 0 -> T--; waiting = 0 }
		if
		:: isWrap(R) ->
			assert(S - R >= H);
			F = F + S - R;
			R = 0
		:: else
		fi;
		d_step {
			receive(R);
			if
			:: holding == 1 -> first = H + mem[R]
			:: else -> second = H + mem[R]
			fi;
			R = fold(R + H + mem[R])
		}
	:: d_step { holding < HELD && T == 0 && !waiting -> waiting = 1 }
	od
}

init { atomic { run Writer(); run Reader(); run Killer() } }
