/*
 * The ring as both sides see it, in units instead of bytes: a header has H of them, a word for the
 * size and a word for the sequence number. Here are the words of the segment, what the model knows
 * beside them to tell right from wrong, and the walk over a chain of frames (Go:
 * core/internal/ring/walk.go). foreign.pml and ours.pml include this file.
 *
 * Every statement outside of d_step and atomic is one access to the segment. Between any two of
 * them the other side may run, or the writer may be killed.
 */
#ifndef S
#define S 8 /* payload_size */
#endif
#define H 2
#define MARK 64 /* bit 63 of a sequence word: unfinished */

#ifndef FRAMES
#define FRAMES 4 /* sequence numbers that are used */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef BROKEN
#define BROKEN 0 /* a deliberate fault, see below */
#endif

byte mem[S];   /* the payload block */
short F = S;   /* payload_free_bytes */
byte W, R;     /* payload_write_pos, payload_read_pos */
byte T;        /* sem-w: value */
bit waiting;   /* sem-w: the reader is registered as a waiter */

/* Not in the segment. */
byte own[S];   /* number of the published frame that has this unit and was not given back, or 0 */
byte pub;      /* number of the last published frame */
byte got;      /* number of the last frame that was read */
byte holding;  /* frames that the reader holds */
bit doubt;     /* a new writer could not know whether space was subtracted (contract 5a) */
byte kills;
bit kill;      /* the writer ends before its next statement */

/* Spin takes no parenthesis behind the arrow of a condition. */
#define fold(p) ((p) % S)
#define distance(r, w) ((w + S - r) % S)
#define goodEnd(e) ((e) == S || (e) + H <= S)
#define number(p) (mem[(p) + 1] & 63)
#define marked(p) (mem[(p) + 1] >= MARK)
#define isWrap(p) (S - (p) < H || (mem[p] == 0 && mem[(p) + 1] == 0))

/* What the writer must never touch: a unit of a frame that is unread or held. */
#define mine(c) assert(own[c] == 0)

inline setUnit(c, v) {
	d_step { mine(c); mem[c] = v }
}

/* The payload of a frame: its number in each unit. */
inline setPayload(at, n, seq) {
	d_step {
		i = 0;
		do
		:: i < n -> mine(at + H + i); mem[at + H + i] = seq; i++
		:: else -> break
		od;
		i = 0
	}
}

/* The frame at "at" can be seen from now on. Part of the step that makes it so. */
inline publish(at, total, seq) {
	assert(seq == pub + 1);
	pub = seq;
	i = 0;
	do
	:: i < total -> own[at + i] = seq; i++
	:: else -> break
	od;
	i = 0
}

/* The reader has the frame at "at": the right one, whole. Part of a step. */
inline receive(at) {
	assert(number(at) == got + 1 && !marked(at));
	assert(mem[at] > 0 && at + H + mem[at] <= S);
	i = 0;
	do
	:: i < mem[at] -> assert(mem[at + H + i] == got + 1); i++
	:: else -> break
	od;
	i = 0;
	got++;
	holding++
}

/* Frame seq goes back. Part of a step. */
inline giveUp(seq) {
	i = 0;
	do
	:: i < S -> if :: own[i] == seq -> own[i] = 0 :: else fi; i++
	:: else -> break
	od;
	i = 0;
	holding--
}

/* What a walk found: number of frames, number and place of the last one, the waste before it. */
#define WALK byte cnt, last, lastAt, lastWaste, p, left, wst; bit whole

/*
 * Go: view.unread. Published frames between r0 and write_pos are stable while the writer does not
 * write, so this is one step. "whole" says that the chain ends exactly where it should.
 */
inline walk(r0, left0) {
	cnt = 0; last = 0; lastAt = 0; lastWaste = 0; whole = 1; p = r0; left = left0;
	do
	:: left == 0 || !whole -> break
	:: else ->
		wst = 0;
		if
		:: isWrap(p) ->
			wst = S - p; p = 0;
			if
			:: wst > left -> whole = 0
			:: else -> left = left - wst
			fi
		:: else
		fi;
		if
		:: whole && left > 0 ->
			if
			:: mem[p] == 0 || mem[p] + H > left || p + mem[p] + H > S ||
				(cnt > 0 && number(p) != last + 1) -> whole = 0
			:: else ->
				cnt++; last = number(p); lastAt = p; lastWaste = wst;
				left = left - mem[p] - H;
				p = fold(p + mem[p] + H)
			fi
		:: else
		fi
	od;
	p = 0; left = 0; wst = 0
}

/*
 * Go: view.lastNumber. Nothing is unread: the last number is that of the frame which ends at w0.
 * With w0 == 0 the lap was just finished, and the chain is followed as long as it holds. A chain
 * that breaks says that the frame at 0 was overwritten by one that was never published.
 */
inline lastNumber(w0) {
	if
	:: w0 != 0 -> walk(0, w0); assert(whole)
	:: else ->
		last = 0; p = 0; wst = 0;
		do
		:: S - p < H -> break
		:: else ->
			if
			:: mem[p] == 0 && mem[p + 1] == 0 -> break
			:: else
			fi;
			if
			:: wst == 0 -> assert(p + H + mem[p] <= S); wst = number(p)
			:: wst != 0 && (p + H + mem[p] > S || number(p) != last + 1) ->
				last = wst - 1; break
			:: else
			fi;
			last = number(p);
			p = p + H + mem[p]
		od;
		p = 0; wst = 0
	fi
}

/* Kills the writer at any moment, KILLS times. */
proctype Killer() {
end:	do
	:: atomic { kills < KILLS && !kill -> kill = 1; kills++ }
	od
}
