/* Leases, fence, epochs and handoff of one shard with one user, as docs/cluster.md tells it. Checked by script/check-model.
 *
 * Time is not in it: a lease may run out at any moment, a message may arrive at any later one, and a process that gets
 * no step for long is one that was stopped. So nothing here is safe because a clock ran well. A node's own deadline is not
 * in it either: it only makes a node do less, and every order of steps is tried, also those in which it does nothing.
 *
 * Windows stand for the wait between two popups: who was shown something in window 1 may be shown the next in window 2. The
 * user's state is the window of the last show; it only grows, so it is its version as well.
 *
 * Bounds: NODES processes (2 or 3), FAULTS things that go wrong, MOVES planned handoffs, WINDOWS windows.
 * Variants that must be right as well:
 *   VERSIONS           a claim also compares the version of the user's state, as the store does
 *   UNKNOWN            a commit may get no answer: the node gives it up, and the server carries it out later, or not
 *   SEVERAL_DATABASES  nodes and shards are in two databases: a shard may be given to a node that died a moment ago
 * Variants that are wrong, so that the checks can be seen to fail:
 *   NO_FENCE           a claim commits without looking at the shard's row
 *   NO_LOCK            it looks, but does not keep the row locked until it has committed
 *   NO_EPOCH           a change of the owner leaves the epoch as it was
 *   LATE_EPOCH         a claim names the epoch that is known when it is sent, not the one under which it was decided
 *   EARLY_ANSWER       the popup leaves before its claim is committed
 *   KEEP_CACHE         what is in memory is kept when the epoch changes
 *   UNTAGGED           an answer of the store is taken although the epoch has changed since it was asked
 *   NO_TAKE_OVER       nobody takes the shards of the dead
 * Checks: CHECK_OWNERS, CHECK_FENCE, CHECK_VERSIONS, CHECK_SHOWS, CHECK_END; the asserts say what each means.
 * A model in which nothing happens is always right. So REACH is a condition that must come true somewhere, and COVER makes
 * the search say which of the lines marked USED it came by.
 */
#ifndef NODES
#define NODES 2
#endif
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef MOVES
#define MOVES 2
#endif
#ifndef WINDOWS
#define WINDOWS 2
#endif

#ifdef COVER
c_decl {
  static char came_by[1000];
  static void used(int line) {
    if (!came_by[line]) { came_by[line] = 1; printf("used %d\n", line); }
  }
}
#define USED c_code { used(__LINE__); };
#else
#define USED
#endif

#define INCARNATIONS (NODES + FAULTS + 1)        /* 0: nobody */
#define NOTHING 15                               /* no state in memory */

/* ---- the database ---------------------------------------------------------------------------------------------- */
byte row_owner = 1;               /* cl_shard: an incarnation */
byte row_epoch = 1;
byte row_next = 0;                /* not 0: DRAINING towards it */
bool living[INCARNATIONS];        /* cl_node; who joined and is not living is dead, for good */
bool lease[INCARNATIONS];
byte joined = 0;                  /* the last incarnation given */
byte user_last = 0;               /* the user's state: the window of the last show; 0: never */

/* Transactions of claims: of the process with that number; LOST: the one that a process gave up or died on while the server
 * had it. There is never a second, for it has the lock of the user's row. */
#define IDLE 0
#define QUEUED 1                  /* decided, waits for a connection */
#define OPEN 2                    /* fence passed, state written; the server commits it or rolls it back */
#define DONE 3                    /* committed, the answer is on its way */
#define FENCED 4
#define FAILED 5
#define LOST NODES
byte claim[NODES + 1];
byte claim_owner[NODES + 1];      /* what it says of the shard */
byte claim_epoch[NODES + 1];
byte claim_base[NODES + 1];       /* the state on which it was decided */
byte claim_window[NODES + 1];     /* the state that it writes */

/* ---- the processes --------------------------------------------------------------------------------------------- */
#define UP 0
#define DOWN 1
#define GONE 2                    /* does not come back */
byte mode[NODES];
byte self[NODES];                 /* its incarnation */
byte seen_owner[NODES];           /* what it believes of the shard */
byte seen_epoch[NODES];
byte mail_owner[NODES];           /* what it was told, and has not read yet */
byte mail_epoch[NODES];
byte cache[NODES];                /* the user's state in memory, or NOTHING */
byte load[NODES];                 /* what a read has found, on its way; or NOTHING */
byte load_epoch[NODES];           /* the epoch in which it was asked */

/* ---- the world, and what only the checks know ------------------------------------------------------------------ */
byte now = 1;                     /* the window */
byte faults = FAULTS;
byte moves = MOVES;
byte shows[WINDOWS + 1];          /* shows decided in each window */
byte last_epoch = 1;              /* the highest that was ever given */

#if NODES == 2
#define COUNT_GONE ((mode[0] == GONE) + (mode[1] == GONE))
#define ROW_LOCKED (claim[0] == OPEN || claim[1] == OPEN || claim[2] == OPEN)
#else
#define COUNT_GONE ((mode[0] == GONE) + (mode[1] == GONE) + (mode[2] == GONE))
#define ROW_LOCKED (claim[0] == OPEN || claim[1] == OPEN || claim[2] == OPEN || claim[3] == OPEN)
#endif

/* The share lock of an open claim on cl_shard keeps the exclusive lock of a change of owner waiting. */
#if defined(NO_FENCE) || defined(NO_LOCK)
#define SHARD_FREE true
#else
#define SHARD_FREE (!ROW_LOCKED)
#endif
/* A second claim waits for the lock of the user's own row. */
#define USER_FREE (!ROW_LOCKED)

#ifdef UNTAGGED
#define STILL(epoch, p) true
#else
#define STILL(epoch, p) ((epoch) == seen_epoch[p])
#endif
#define OWNS(p) (mode[p] == UP && seen_owner[p] == self[p])
#define ALIVE(p) (living[self[p]])

inline forget_claim(t) {
  claim[t] = IDLE; claim_owner[t] = 0; claim_epoch[t] = 0; claim_base[t] = 0; claim_window[t] = 0
}

/* The server goes on with a transaction that nobody waits for any more. */
inline abandon_claim(p) {
  if
  :: claim[p] == OPEN ->
    claim[LOST] = OPEN; claim_owner[LOST] = claim_owner[p]; claim_epoch[LOST] = claim_epoch[p];
    claim_base[LOST] = claim_base[p]; claim_window[LOST] = claim_window[p]
  :: else
  fi;
  forget_claim(p)
}

inline forget_view(p) {
  seen_owner[p] = 0; seen_epoch[p] = 0; mail_owner[p] = 0; mail_epoch[p] = 0;
#ifndef KEEP_CACHE
  cache[p] = NOTHING
#else
  skip
#endif
}

/* What would be ignored when it arrives is dropped at once: fewer states, the same behaviour. */
inline tidy(p) {
  if
  :: mail_epoch[p] != 0 && mail_epoch[p] <= seen_epoch[p] -> USED mail_owner[p] = 0; mail_epoch[p] = 0
  :: else
  fi;
  if
  :: load[p] != NOTHING && !STILL(load_epoch[p], p) -> USED load[p] = NOTHING; load_epoch[p] = 0
  :: else
  fi
}

inline learn(p, owner, epoch) {
#ifndef KEEP_CACHE
  if
  :: epoch != seen_epoch[p] -> cache[p] = NOTHING  /* memory belongs to an epoch */
  :: else
  fi;
#endif
  seen_owner[p] = owner; seen_epoch[p] = epoch;
  tidy(p);
  printf("node %d learns: incarnation %d owns the shard, epoch %d\n", p, owner, epoch)
}

inline answer_with_popup(window) {
  shows[window] = shows[window] + 1;
#ifdef CHECK_SHOWS
  assert(shows[window] <= 1)     /* two popups within the wait */
#endif
}

inline give_shard(to) {
  row_owner = to; row_next = 0;
#ifndef NO_EPOCH
  row_epoch = row_epoch + 1;
#endif
#ifdef CHECK_OWNERS
  assert(row_epoch > last_epoch);  /* epochs only grow, and none is given twice */
#endif
  last_epoch = row_epoch
}

/* What process p does by itself. */
proctype node(byte p) {
end:
  do
  /* heartbeat */
  :: d_step { mode[p] == UP && ALIVE(p) && !lease[self[p]] -> USED
       lease[self[p]] = true;
       printf("node %d renews the lease of incarnation %d\n", p, self[p]) }
  /* the picture that a heartbeat brings */
  :: d_step { mode[p] == UP && (row_epoch != seen_epoch[p] || row_owner != seen_owner[p]) -> USED
       learn(p, row_owner, row_epoch) }
  /* a peer's word, true when it was sent; it may come late, after a newer picture, or never */
  :: d_step { mode[p] == UP && row_epoch > seen_epoch[p] && row_epoch > mail_epoch[p] -> USED
       mail_owner[p] = row_owner; mail_epoch[p] = row_epoch }
  :: d_step { mode[p] == UP && mail_epoch[p] > seen_epoch[p] -> USED learn(p, mail_owner[p], mail_epoch[p]) }
  /* the user's state is read, and arrives later */
  :: d_step { OWNS(p) && cache[p] == NOTHING && load[p] == NOTHING -> USED
       load[p] = user_last; load_epoch[p] = seen_epoch[p];
       printf("node %d reads the user: last show in window %d\n", p, user_last) }
  :: d_step { mode[p] == UP && load[p] != NOTHING -> USED
       if
       :: STILL(load_epoch[p], p) && OWNS(p) && cache[p] == NOTHING -> cache[p] = load[p];
          printf("node %d takes what it read into memory: %d\n", p, load[p])
       :: else
       fi;
       load[p] = NOTHING; load_epoch[p] = 0 }
  /* a request: decided from memory, the claim goes to a writer */
  :: d_step { OWNS(p) && cache[p] != NOTHING && cache[p] < now && claim[p] == IDLE -> USED
       claim[p] = QUEUED; claim_owner[p] = self[p]; claim_epoch[p] = seen_epoch[p];
       claim_base[p] = cache[p]; claim_window[p] = now;
       printf("node %d decides to show in window %d, on state %d, epoch %d\n", p, now, cache[p], seen_epoch[p]);
#ifdef EARLY_ANSWER
       answer_with_popup(now);
#endif
       skip }
  /* the transaction: fence under a share lock, then the write under the lock of the user's row */
  :: d_step { mode[p] == UP && claim[p] == QUEUED && USER_FREE -> USED
#ifdef LATE_EPOCH
       claim_owner[p] = self[p]; claim_epoch[p] = seen_epoch[p];
#endif
       if
#ifndef NO_FENCE
       :: row_owner != claim_owner[p] || row_epoch != claim_epoch[p] -> USED
          claim[p] = FENCED; claim_base[p] = 0; claim_window[p] = 0;
          printf("node %d: its claim is fenced\n", p)
#endif
#ifdef VERSIONS
       :: else ->
         if
         :: user_last != claim_base[p] -> USED claim[p] = FAILED; claim_base[p] = 0; claim_window[p] = 0
         :: else -> claim[p] = OPEN
         fi
#else
       :: else -> claim[p] = OPEN
#endif
       fi }
  /* how it ended */
  :: d_step { mode[p] == UP && claim[p] == DONE -> USED
       if
       :: STILL(claim_epoch[p], p) && OWNS(p) -> USED cache[p] = claim_window[p]
       :: else -> USED skip  /* another epoch's memory is not ours to change */
       fi;
       printf("node %d answers with a popup, decided in window %d\n", p, claim_window[p]);
#ifndef EARLY_ANSWER
       answer_with_popup(claim_window[p]);
#endif
       forget_claim(p) }
  :: d_step { mode[p] == UP && claim[p] == FENCED -> USED  /* no longer mine */
       if
       :: STILL(claim_epoch[p], p) && claim_owner[p] == self[p] -> seen_owner[p] = 0; cache[p] = NOTHING
       :: else
       fi;
       forget_claim(p) }
  :: d_step { mode[p] == UP && claim[p] == FAILED -> USED  /* UNAVAILABLE, and the user is read anew */
       if
       :: STILL(claim_epoch[p], p) -> cache[p] = NOTHING
       :: else
       fi;
       forget_claim(p) }
  /* the end of a planned handoff; here it does not even wait for claims decided before: that is for no request to fail */
  :: d_step { OWNS(p) && row_owner == self[p] && row_epoch == seen_epoch[p] && row_next != 0 && SHARD_FREE -> USED
       if
       :: living[row_next] -> USED
         printf("node %d hands the shard to incarnation %d\n", p, row_next);
         give_shard(row_next)
       :: else -> USED row_next = 0  /* taken back */
       fi }
  /* a process that was killed, or finds itself declared dead, joins as a new incarnation */
  :: d_step { mode[p] == DOWN || (mode[p] == UP && !ALIVE(p)) -> USED
       living[self[p]] = false; lease[self[p]] = false;
       joined = joined + 1;
       self[p] = joined; living[joined] = true; lease[joined] = true;
       mode[p] = UP;
       forget_view(p);
       printf("node %d joins as incarnation %d\n", p, joined) }
  od
}

/* What process p does with process q: transactions on the cluster's tables. They change a row only if it is as it was seen,
 * so here p sees it as it is. */
proctype towards(byte p; byte q) {
end:
  do
  /* declare dead: the lease has run out, or witnesses suspect it (a fault: it may well live) */
  :: d_step { p != q && mode[p] == UP && ALIVE(p) && lease[self[p]] && ALIVE(q) && !lease[self[q]] -> USED
       living[self[q]] = false;
       printf("node %d declares incarnation %d dead\n", p, self[q]) }
  :: d_step { p != q && mode[p] == UP && ALIVE(p) && lease[self[p]] && ALIVE(q) && lease[self[q]] && faults > 0 -> USED
       faults = faults - 1;
       living[self[q]] = false; lease[self[q]] = false;
       printf("node %d declares incarnation %d dead on suspicion\n", p, self[q]) }
#ifndef NO_TAKE_OVER
  /* take over what the dead had */
  :: d_step { mode[p] == UP && !living[row_owner] && ALIVE(q) && SHARD_FREE -> USED
       printf("node %d gives the dead node's shard to incarnation %d\n", p, self[q]);
       give_shard(self[q]) }
#endif
#ifdef SEVERAL_DATABASES
  :: d_step { mode[p] == UP && !living[row_owner] && !ALIVE(q) && self[q] != row_owner && SHARD_FREE && moves > 0 -> USED
       moves = moves - 1;
       printf("node %d gives the dead node's shard to incarnation %d, which has just died\n", p, self[q]);
       give_shard(self[q]) }
#endif
  /* the beginning of a planned handoff */
  :: d_step { p != q && OWNS(p) && row_owner == self[p] && row_epoch == seen_epoch[p] && row_next == 0 &&
              ALIVE(q) && moves > 0 -> USED
       moves = moves - 1; row_next = self[q];
       printf("node %d begins to move the shard to incarnation %d\n", p, row_next) }
  od
}

/* What happens to process p and its transactions from outside. Each fault counts but those that only follow from one. */
proctype fate(byte p) {
end:
  do
  :: d_step { mode[p] == UP && faults > 0 -> USED
       faults = faults - 1;
       abandon_claim(p);
       forget_view(p); cache[p] = NOTHING; load[p] = NOTHING; load_epoch[p] = 0;
       mode[p] = DOWN;
       printf("node %d is killed\n", p) }
  :: d_step { mode[p] == DOWN && COUNT_GONE < NODES - 1 -> USED
       mode[p] = GONE }
  /* a lease runs out: of a process that lives, that is a fault */
  :: d_step { mode[p] != UP && ALIVE(p) && lease[self[p]] -> USED
       lease[self[p]] = false }
  :: d_step { mode[p] == UP && ALIVE(p) && lease[self[p]] && faults > 0 -> USED
       faults = faults - 1;
       lease[self[p]] = false;
       printf("the lease of incarnation %d runs out\n", self[p]) }
  /* the answer of a commit is lost */
  :: d_step { mode[p] == UP && claim[p] == DONE && faults > 0 -> USED
       faults = faults - 1; claim[p] = FAILED; claim_window[p] = 0 }
#ifdef UNKNOWN
  :: d_step { mode[p] == UP && claim[p] == OPEN && faults > 0 -> USED
       faults = faults - 1;
       if
       :: STILL(claim_epoch[p], p) -> cache[p] = NOTHING
       :: else
       fi;
       abandon_claim(p);
       printf("node %d waits no longer for the answer of its commit\n", p) }
#endif
  /* the server rolls back: by itself, or because the connection ended or was idle for too long */
  :: d_step { claim[p] == OPEN && faults > 0 -> USED
       faults = faults - 1; claim[p] = FAILED }
  :: d_step { p == 0 && claim[LOST] == OPEN -> USED forget_claim(LOST) }
  od
}

/* Commits; t is a claim. */
inline commit(t) {
#ifdef CHECK_FENCE
  assert(claim_owner[t] == row_owner && claim_epoch[t] == row_epoch); /* no commit with a stale epoch */
#endif
#ifdef CHECK_VERSIONS
  assert(claim_base[t] == user_last);  /* decided on what is stored now */
#endif
  user_last = claim_window[t]
}

proctype server(byte p) {
end:
  do
  :: d_step { claim[p] == OPEN -> USED commit(p); claim[p] = DONE; claim_owner[p] = 0; claim_base[p] = 0;
       printf("the claim of node %d is committed: window %d, epoch %d\n", p, claim_window[p], claim_epoch[p]) }
  :: d_step { p == 0 && claim[LOST] == OPEN -> USED commit(LOST); forget_claim(LOST);
       printf("a claim that was given up is committed\n") }
  od
}

proctype world() {
end:
  do
#ifdef REACH
  :: d_step { REACH -> assert(false) }
#endif
#if WINDOWS > 1
  :: d_step { now < WINDOWS -> USED now = now + 1; printf("window %d begins\n", now) }
#endif
#ifdef CHECK_END
  /* Nothing can happen any more. Then somebody alive owns the shard, knows it, and all waits have been served. */
  :: timeout ->
     d_step {
       assert(row_next == 0 && living[row_owner]);
       assert((OWNS(0) && self[0] == row_owner && seen_epoch[0] == row_epoch) ||
              (OWNS(1) && self[1] == row_owner && seen_epoch[1] == row_epoch)
#if NODES > 2
              || (OWNS(2) && self[2] == row_owner && seen_epoch[2] == row_epoch)
#endif
             );
       assert(user_last == WINDOWS)
     };
     break
#endif
  od
}

init {
  byte p = 0;
  byte q = 0;
  atomic {
    do
    :: p < NODES ->
       self[p] = p + 1; living[p + 1] = true; lease[p + 1] = true;
       seen_owner[p] = row_owner; seen_epoch[p] = row_epoch;
       cache[p] = NOTHING; load[p] = NOTHING;
       joined = joined + 1;
       run node(p); run fate(p); run server(p);
       q = 0;
       do
       :: q < NODES -> run towards(p, q); q = q + 1
       :: else -> break
       od;
       p = p + 1
    :: else -> break
    od;
    p = 0; q = 0;
    run world()
  }
}
