/*
 * The accounts between two programs of ours (contract 3a, 4a, 5a). The order here is post first,
 * subtract after: payload_free_bytes is bookkeeping for observers, and the writer computes its room
 * from positions alone, because read_pos is where the reader has given back to. Only a frame at
 * offset 0 is marked. The writer may be killed at any store, and so may its successors; a successor
 * may come before or after the reader has buried the dead one.
 *
 * Go: ring.Producer with foreign = false, ring.Consumer, Reader.tryRead, meetWriter, bury.
 *
 * What must hold: as in foreign.pml; and when all is quiet payload_free_bytes is what the positions
 * say.
 */
#define POST_FIRST 1      /* the token is posted before write_pos */
#define NO_MARK 2         /* the frame at 0 is not marked */
#define STALE_UNREAD 3    /* after a restart the reader believes the write_pos it loaded before */
#define RESTART_UNREAD 4  /* restart at 0 when no token is left, without a look at read_pos */
#define READ_AHEAD 5      /* read_pos is published when a frame is read, not when it goes back */
#define ADD_FIRST 6       /* the addition comes before read_pos, and the writer uses the sum */
#define HEAL_ONCE 7       /* a new writer compares the free bytes once, at attach */
#define NO_UNDO 8         /* a restart that was half done is not undone */
#define NO_TOKEN 9        /* a new writer posts no token for the frames it finds */
#define UNMARK_LATE 10    /* the token is posted before the mark is taken away */
#define CATCH_UP 11       /* write_pos may catch up with read_pos */
#define DROP_UNSEEN 12    /* tokens taken after a look at the positions are dropped */
#define SLOW_BURIAL 13    /* a new writer does not wait between its PID and its repairs */
#define UNDRAINED 14      /* a frame that was written ahead begins a lap while others are unread */
#define NO_OLD_FRAME 15   /* such a frame moves, and leaves no old one in its place */
#define STAYS_ANCHORED 16 /* after a kill with a frame ahead the next one has to go to 0 */

#include "ring.pml"

#ifndef MAX
#define MIN 3 /* units of a frame with its header */
#define MAX 6
#endif
#ifndef AHEAD
#define AHEAD 0 /* 1: any frame may be written ahead */
#endif
#ifndef HELD
#define HELD 2 /* frames that the reader holds at most */
#endif

byte wpid;     /* writer_pid */
bit alive;     /* the writer's claim is held */
byte writers;  /* how many there were */
bit burying;   /* the reader is between its looks at a dead writer's words and its last exchange */

#include "ours-writer.pml"
#include "ours-reader.pml"

init { atomic { run Writer(); run Reader(); run Killer() } }
