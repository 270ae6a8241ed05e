/*
 * Waiting: no wake-up is lost, and every end of a call ends it. One writer and one reader with
 * their two semaphores; frames are counted, the ring has room for CAP of them (contract 3a, 4a, 5;
 * Go: Writer.room, Reader.read, session.tokens, block, seize, endBlock, Consumer.giveBack, bury).
 *
 * Plain stores of positions go through a store buffer, as on x86: they become visible at any later
 * moment, at latest with the next locked instruction of their process.
 *
 * What must hold: nothing that is unread or held is overwritten; frames come once and in order;
 * when nobody can go on without a time-out, nobody is blocked who has something to do (Monitor).
 * With TIMEOUTS every wait may end at any moment without a reason.
 */
#define POST_FIRST 1     /* the token is posted before write_pos */
#define LOOK_EARLY 2     /* the look at sem-r comes before the space is given back */
#define NO_COMPARE 3     /* the kernel does not compare the value before it sleeps */
#define NO_LOOK 4        /* the writer blocks after it took tokens, without a look at the space */
#define WAKE_ONCE 5      /* a wake without a token is not repeated */
#define END_UNSEEN 6     /* a call looks whether it has to end before it counts blocks up */
#define OWES 7           /* the reader blocks while it owes space */
#define NO_FLUSHER 8     /* nobody gives back for an application that does not call */
#define NO_RESET 9       /* a killed writer stays among the waiters */
#define BARE_CLOSE 10    /* Close wakes the peer without a token */
#define NO_BARRIER 11    /* giving back is no locked instruction */
#define UNFLUSHED 12     /* the writer blocks with frames that it has not published */
#define SLOW_RESET 13    /* a new writer does not wait between its PID and its repairs */
#define DROP_UNSEEN 14   /* tokens taken after a look at the positions are dropped */
#define NO_WATCH 15      /* a death wakes nobody */
#define ONE_TOKEN 16     /* a new writer posts one token for a batch that has none */
#define RESET_ONCE 17    /* a new writer tries once to reset the waiters */
#define PID_STAYS 18     /* Close posts a token and leaves the PID */

#ifndef FRAMES
#define FRAMES 4
#endif
#ifndef CAP
#define CAP 2
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef KILLS
#define KILLS 0
#endif
#ifndef FOREIGN /* 1: the reader, 2: the writer is a program of another language */
#define FOREIGN 0
#endif
#ifndef BROKEN
#define BROKEN 0
#endif
#ifndef WHO /* who may be ended by Close (WRITER, READER) or by its context (2 more) */
#define WHO 4
#endif
#define WRITER 0
#define READER 1
#define NOBODY 4
#define ALL 250

byte W, R;             /* positions, in frames, not taken modulo CAP */
byte back;             /* what payload_free_bytes counts: frames given back */
byte toW, toR;         /* store buffers */
bit dirtyW, dirtyR;
byte slot[CAP];        /* the frame in each place */
byte got;              /* frames that the reader has done with */
byte wpid = 1, rpid = 1;
byte writers = 1;
bit alive = 1;         /* the writer's process */
bit died;              /* the system tells that it has ended */
bit burying;
bit busy[2], closed[2], canceled[2], ended[2]; /* Go: session.busy, closed, ctx, peerEnded */
byte blocks[2];        /* Go: session.blocks, modulo 4: odd while blocked */
bit done[2];           /* this side makes no more calls */
bit idle;              /* the reader's application does not call for now */
byte kills;
bit kill;

#define flush(q) \
	if \
	:: q == DATA && dirtyW -> W = toW; dirtyW = 0 \
	:: q == SPACE && dirtyR && BROKEN != NO_BARRIER -> R = toR; dirtyR = 0 \
	:: else \
	fi

#include "semaphore.pml"

/* Go: session.block for the side that waits on q; n is what it took. over: the call has to end. */
inline wait(side, q, n) {
	over = 0;
	if
	:: BROKEN == END_UNSEEN -> over = closed[side] || canceled[side]
	:: else
	fi;
	blocks[side] = (blocks[side] + 1) % 4;
	if
	:: over
	:: else ->
		if
		:: BROKEN != END_UNSEEN && (closed[side] || canceled[side]) -> over = 1
		:: ended[side] -> take(q, n)
		:: else ->
			waiters[q]++;
			block(q);
			leave(q, ALL, n)
		fi
	fi;
	blocks[side] = (blocks[side] + 1) % 4;
	ended[side] = 0
}

/* Go: session.endBlock for the side that waits on q. */
inline endBlock(side, q) {
	b = blocks[side];
	do
	:: b % 2 == 1 && blocks[side] == b ->
		asleep[q] = 0;
		if
		:: BROKEN == WAKE_ONCE -> break
		:: else
		fi
	:: else -> break
	od;
	b = 0
}

#include "waiting-writer.pml"
#include "waiting-reader.pml"

/* Go: session.seize and the watcher of contexts, then resign. */
proctype Ender() {
	byte b, old;
	if
	:: WHO == NOBODY -> goto end
	:: WHO < 2 ->
		closed[WHO % 2] = 1;
		do
		:: atomic { !busy[WHO % 2] -> busy[WHO % 2] = 1 }
			break
		:: busy[WHO % 2] -> endBlock(WHO % 2, 1 - WHO % 2);
			if
			:: BROKEN == WAKE_ONCE -> (!busy[WHO % 2])
			:: else
			fi
		od;
		if
		:: WHO == WRITER -> wpid = (BROKEN == PID_STAYS -> wpid : 0);
			if
			:: BROKEN == BARE_CLOSE -> asleep[DATA] = 0
			:: else -> post(DATA, 1)
			fi
		:: WHO == READER -> rpid = (BROKEN == PID_STAYS -> rpid : 0);
			if
			:: BROKEN == BARE_CLOSE -> asleep[SPACE] = 0
			:: else -> post(SPACE, 1)
			fi
		fi
	:: WHO == 2 -> canceled[0] = 1; endBlock(0, 1)
	:: WHO == 3 -> canceled[1] = 1; endBlock(1, 0)
	fi;
end:	skip
}

/* Go: session.watchPeer of the reader. */
proctype Watch() {
	byte b;
	do
	:: d_step { died && BROKEN != NO_WATCH -> died = 0; ended[READER] = 1 }
		endBlock(READER, DATA)
	od
}

/* Stores leave the buffers at any moment. */
proctype Memory() {
	do
	:: atomic { dirtyW -> W = toW; dirtyW = 0 }
	:: atomic { dirtyR -> R = toR; dirtyR = 0 }
	od
}

proctype Killer() {
	do
	:: atomic { kills < KILLS && !kill && alive && (!done[WRITER] || wpid == writers) ->
		kill = 1; kills++ }
	od
}

/* When nothing moves any more. */
proctype Monitor() {
	timeout ->
	assert(!asleep[SPACE] ||
		(!closed[WRITER] && !canceled[WRITER] && rpid != 0 && W - got >= CAP));
	assert(!asleep[DATA] ||
		(!closed[READER] && !canceled[READER] && wpid != 0 && alive && W == got));
	assert(!(closed[READER] && asleep[SPACE]) && !(closed[WRITER] && asleep[DATA]));
	assert(waiters[DATA] == asleep[DATA]);
	assert(waiters[SPACE] == asleep[SPACE] || (done[READER] && !alive));
	assert(asleep[DATA] || done[READER] || (got == W && (wpid == 0 || !alive)));
	assert(!(FOREIGN || WHO == NOBODY) || idle || (got == W && (KILLS || got == FRAMES)))
}

init { atomic { run Writer(); run Reader(); run Ender(); run Watch(); run Memory(); run Killer();
	run Monitor() } }
