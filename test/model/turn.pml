/*
 * The turn of a VNF as a Promela model: the record, the runs that want its turn, the clean-up behind those that vanish, and
 * everything that goes wrong. `npx jest test/model` checks it with spin; docs/turn.md says what it covers and what it leaves out.
 *
 * What stands for what:
 *
 *   process Record     workflows/record/vnf.ts (its loop) and workflows/record/state.ts (what each message does)
 *   process Caller     one run of a procedure: workflows/channel.ts (ask, commit, yield, done, withdraw), workflows/run.ts and
 *                      workflows/procedures/change.ts (in which order), and its activities: activities/turn.ts (TurnLost)
 *   process Audit      workflows/procedures/audit.ts, the child that the record starts behind a run that vanished
 *   process Operator   whoever terminates and resets runs, ends the record, or tells a blocked one to clean up again
 *   process init       begins them, and looks at what is left when nothing more can happen
 *
 *   message ask, withdraw, commit, yield, done, audit     to the record (domain/turn.ts); `inbox` is its history, in order
 *   granted, denied, heard, refused                       the record's answers, in the history of the run they were sent to
 *   watched                                               activities/watch: sees that a run has closed, at any later moment
 *
 * Tokens and runs are small numbers, sets of them are bits of a byte. A run is a run id: a reset closes one and makes another, which
 * goes on from any point that the first has passed, with the first one's token. Which of those who wait is next is left open, so that
 * every order of classes is covered. A worker that crashes only delays, because Temporal replays: every process may stop anywhere for
 * as long as it likes. What a cloud holds is kept for each token: what its run has made, and what it owes.
 *
 * Temporal loses and repeats no signal. Here they are lost and repeated all the same, `losses` and `repeats` times: a lost one is sent
 * again, as the code does when its time is over, and a repeated one may come at any later moment. Every fault is counted, so that no
 * behaviour goes on for ever (which the test proves too), and a turn that is lost is a state in which nothing more happens while
 * somebody still waits. No fairness is assumed.
 *
 * `mistake` plants one of the mistakes below, each of which the test expects to be found.
 */

#define GRANT_BEFORE_CLEAN_UP 1     /* somebody gets the turn while the clean-up is under way */
#define GRANT_WHEN_BLOCKED 2        /* ... or after it has failed for good */
#define COMMIT_UNCOUNTED 3          /* a commit is applied whatever its n */
#define COMMIT_BY_TOKEN_ALONE 4     /* a commit is applied whoever sends it */
#define END_BY_TOKEN_ALONE 5        /* a done is heard whoever sends it */
#define TOKEN_NOT_RETIRED 6         /* a vanished holder's token stays current until the clean-up is over */
#define ASK_BY_WORKFLOW 7           /* asks are keyed by workflow id and not by run id */
#define NEW_TOKEN_WHEN_TOLD_AGAIN 8 /* a holder that asks again gets another token */
#define ACTIVITY_UNCHECKED 9        /* activities do not look whose run they are */
#define SWEEP_AT_ONCE 10            /* the clean-up does not wait for late attempts */
#define HOLDER_UNWATCHED 11         /* nobody looks whether the holder is still there */
#define TURN_UNWATCHED 12           /* the record that continues in a turn does not watch its holder */
#define DEBT_UNWATCHED 13           /* the record that continues watches no debtor */
#define TAKEN_AFTER_WITHDRAWAL 14   /* a run that has withdrawn takes a grant that comes late */
#define TAKEN_TWICE 15              /* a grant that is told again is taken for a new one */
#define VANISHED_HAS_PAID 16        /* a debtor that vanishes is taken for one that has paid */

/*
 * How much goes wrong, and how many there are. Given to spin (-DKILLS=1), or, where it was given FROM_ENVIRONMENT, to the verifier
 * that it makes, so that one is compiled for all.
 */
#ifndef MISTAKE
#define MISTAKE 0
#endif
#ifndef CALLERS
#define CALLERS 2
#endif
#ifndef KILLS
#define KILLS 0 /* runs that are terminated at any moment */
#endif
#ifndef RESETS
#define RESETS 0
#endif
#ifndef CANCELS
#define CANCELS 0 /* of who still waits for the turn; who has it may go back at any time */
#endif
#ifndef LOSSES
#define LOSSES 0 /* messages, to the record or from it */
#endif
#ifndef REPEATS
#define REPEATS 0
#endif
#ifndef CONTINUES
#define CONTINUES 0 /* how often the record continues as new */
#endif
#ifndef RECORD_KILLS
#define RECORD_KILLS 0
#endif
#ifndef FAILURES
#define FAILURES 0 /* of clean-ups */
#endif
#ifndef ORDERS
#define ORDERS 0 /* how often an operator tells a blocked record to clean up again */
#endif
#ifndef TURNS
#define TURNS 1 /* of the first caller: one whose pool is serial asks again */
#endif
#ifndef INSTANTIATES
#define INSTANTIATES 0 /* 1: the first caller makes the VNF */
#endif
#ifndef TERMINATES
#define TERMINATES 0 /* 1: the last caller ends it */
#endif

byte mistake = MISTAKE;
byte callers = CALLERS;
byte kills = KILLS;
byte resets = RESETS;
byte cancels = CANCELS;
byte losses = LOSSES;
byte repeats = REPEATS;
byte continues = CONTINUES;
byte recordKills = RECORD_KILLS;
byte failures = FAILURES;
byte orders = ORDERS;
byte turns = TURNS;
bool instantiates = INSTANTIATES;
bool terminates = TERMINATES;

#ifdef FROM_ENVIRONMENT
c_decl {
  \#include <stdlib.h>
  static int given(const char *name, int otherwise) {
    const char *value = getenv(name);
    return value ? atoi(value) : otherwise;
  }
}
#endif

/* Of a clean-up, before the record is blocked. 3 in the code. */
#define TRIES 2
/* Whose debt may be open at once. 8 in the code. */
#define DEBTORS 2
#define RUNS 4
#define TOKENS 6

#define bit(x) (1 << (x))
#define has(set, x) (((set) >> (x)) & 1)

/* Where a run is, in the order in which one that succeeds passes them. */
#define ASKING 1
#define HELD 2
#define LAUNCHING 3
#define LAUNCHED 4
#define COMMITTING 5
#define PUBLISHED 6
#define PAYING 7
#define PAID 8
/* And beside those. */
#define PAYING_FIRST 9
#define UNDOING 10
#define WITHDRAWN 11

/* What an activity is doing. */
#define IDLE 0
#define LAUNCH 1
#define UNDO 2
#define PAY 3

/* What a commit changes. */
#define DEAD 1  /* some who are dead become debt, paid inside the turn */
#define ENTER 2 /* what was launched enters service */
#define SWAP 3  /* and others leave, as debt */
#define FINAL 4 /* everybody leaves, and the record ends when that is paid */

#define INSTANTIATING 1
#define RUNNING 2
#define TERMINATING 3

mtype = { nothing, ask, withdraw, commit, yield, done, audit };

/* kind, run, token, n, change */
chan inbox = [3] of { mtype, byte, byte, byte, byte };
/* A copy of a message that is still on its way. */
chan echo = [1] of { mtype, byte, byte, byte, byte };

typedef Run {
  byte workflow; /* 0: not begun */
  bool open;
  byte stage;
  byte passed;    /* the furthest stage of its turn: a reset goes back to any before */
  bool asked;
  bool unheard;   /* what it sent, or the answer, was lost: it is sent again when its time is over */
  byte granted;   /* a token, as told */
  byte grantedTo; /* the run that the grant names */
  bool denied;
  byte heard;     /* commits that were answered */
  bool refused;
  byte token;     /* its turn, as activities get it: token and run */
  byte turnOf;
  byte commits;
  byte change;    /* of the commit that it sends */
  bool deadFirst; /* it has had a commit before the pivot */
  bool touched;
  byte turns;
  byte doing;     /* the activity that is at work, also when its run is gone */
  byte sending;   /* messages that have not arrived */
  bool overdue;   /* the end of its turn was lost, and it waits for another */
  bool holds
};
Run runs[RUNS + 1];
byte begun;

/* The record. */
byte turn; /* a token; 0: free */
byte turnRun;
byte commits;
byte queue;
byte debts;
byte vanished;
byte blocked;
byte watched;
byte runOf[TOKENS + 1]; /* to whom it was granted, and whose debt it is */
byte failed; /* tries of the clean-up */
byte tokens;
byte phase = RUNNING;
bool ended;
bool gone; /* its run has closed: whoever writes to it is told that there is no such VNF */
byte cleaning;
bool kept; /* as the clean-up was told when it began: what bears the token is the record's */
byte result;
#define CLEANED 1
#define FAILED 2

/* What is true. */
byte made;   /* exists, launched under this token; bit 0 for all whose turn is over */
byte served; /* is the record's */
byte unpaid; /* is to be drained and deleted under this token */
byte leaving; /* is the final debt's */
byte finalToken; /* whose debt that is */
byte swept;  /* is to be swept by whoever pays the final debt */
byte applied; /* commits of the turn that have taken effect */
bool killed;

#define busy(r, t) (runs[r].doing != IDLE && runs[r].token == (t))
#define quiet(t) (!(busy(1, t) || busy(2, t) || busy(3, t) || busy(4, t)))
#define holders (runs[1].holds + runs[2].holds + runs[3].holds + runs[4].holds)
#define debtors(set) (has(set, 1) + has(set, 2) + has(set, 3) + has(set, 4) + has(set, 5) + has(set, 6))
#define changing(r) (runs[r].doing == LAUNCH || runs[r].doing == UNDO)
/* Whose run has closed, of those that are watched. */
#define closed(t) (has(watched, t) && !runs[runOf[t]].open && runs[runOf[t]].sending == 0)
#define allClosed (closed(1) << 1 | closed(2) << 2 | closed(3) << 3 | closed(4) << 4 | closed(5) << 5 | closed(6) << 6)
#define retired(t) (has(vanished, t) || has(blocked, t))
#define isFinal(r) (terminates && runs[r].workflow == callers)
/* state.ts: refusalNow */
#define refusedNow(r) (!(blocked != 0 && isFinal(r)) && (phase == TERMINATING || (blocked != 0 && mistake != GRANT_WHEN_BLOCKED)))
/* state.ts: isOver */
#define over (blocked == 0 && turn == 0 && debts == 0 && vanished == 0 && phase != RUNNING)

/* Nobody has to look after this token any more: nothing of it may be at work, unknown to the record, missing there, or unpaid. */
inline settle(t) {
  assert(quiet(t));
  assert(has(made, t) == (has(served, t) || has(leaving, t)));
  assert(!has(unpaid, t));
  if
  :: has(made, t) && has(served, t) -> made = (made & ~bit(t)) | 1; served = (served & ~bit(t)) | 1
  :: has(made, t) && has(leaving, t) -> made = (made & ~bit(t)) | 1; leaving = (leaving & ~bit(t)) | 1
  :: else
  fi;
  debts = debts & ~bit(t);
  watched = watched & ~bit(t);
  vanished = vanished & ~bit(t);
  runOf[t] = 0
}

inline freeTurn() {
  turn = 0; turnRun = 0; commits = 0; applied = 0
}

/* G7, as the cloud sees it: whoever changes the membership holds the turn, or nobody does and what it makes is going to be swept. */
inline expectOwnTurn(r) {
  assert(gone || turn == runs[r].token || (turn == 0 && retired(runs[r].token)))
}

/* Before anybody gets the turn: all is cleaned up, or the terminate that gets it takes it over. */
inline expectClean(r) {
  assert(vanished == 0 && (blocked == 0 || isFinal(r)));
  assert((made & ~(served | leaving | swept | blocked)) == 0);
  assert(!changing(1) && !changing(2) && !changing(3) && !changing(4))
}

/* steps/settle.ts: payDebt. The final debt is that of everybody who served, and of what could not be cleaned up. */
inline pay(t) {
  unpaid = unpaid & ~bit(t);
  if
  :: t == finalToken ->
     made = made & ~(leaving | swept);
     unpaid = unpaid & ~swept;
     leaving = 0; swept = 0
  :: else
  fi
}

/* ---- A run, and its activities ---- */

#define self runs[me]
#define mayWrite (gone || nfull(inbox))

inline close(r) {
  runs[r].open = false; runs[r].holds = false;
  /* What is not looked at any more would only make states differ. */
  runs[r].stage = 0; runs[r].passed = 0; runs[r].asked = false; runs[r].unheard = false; runs[r].denied = false;
  runs[r].granted = 0; runs[r].grantedTo = 0; runs[r].heard = 0; runs[r].refused = false;
  runs[r].turnOf = 0; runs[r].commits = 0; runs[r].change = 0; runs[r].deadFirst = false; runs[r].touched = false;
  runs[r].turns = 0; runs[r].overdue = false;
  runs[r].token = (runs[r].doing == IDLE -> 0 : runs[r].token)
}

/* Whoever is not the run that the grant names has no turn: TurnLost, which undoes nothing. */
#define mayAct (self.turnOf == me || mistake == ACTIVITY_UNCHECKED)

inline begin(activity, next) {
  if
  :: mayAct -> self.doing = activity; self.stage = next
  :: else -> close(me)
  fi
}

/* Where there is no record (any more), the run is refused, or stuck. */
inline write(kind) {
  self.unheard = false;
  if
  :: gone -> close(me)
  :: else -> self.sending++; inbox!kind, me, self.token, self.commits, self.change
  fi
}

/* Sent again until it is answered. */
inline writeCommit(what) {
  self.commits++; self.change = what; self.stage = COMMITTING;
  write(commit)
}

/* The last step. A run whose pool is serial asks again. */
inline writeDone() {
  self.holds = false; self.commits = 0; self.change = 0;
  write(done);
  if
  :: self.open && me == 1 && self.turns < turns ->
     self.stage = ASKING; self.asked = false; self.denied = false
  :: self.open && (me != 1 || self.turns >= turns) -> close(me)
  :: !self.open
  fi
}

proctype Caller(byte me) {
  byte t;
end:
  do
  :: atomic { self.open && self.stage == ASKING && (!self.asked || self.unheard) && mayWrite ->
       self.asked = true;
       write(ask) }
  :: atomic { self.open && self.stage == ASKING && self.asked && self.denied -> close(me) }
  /*
   * Cancelled, or it has waited for as long as it would. That alone helps one that asks again after the end of its turn was lost: it
   * is told of that turn again, for it holds it still.
   */
  :: atomic { self.open && self.stage == ASKING && self.asked && (cancels > 0 || self.overdue) && mayWrite ->
       cancels = (self.overdue -> cancels : cancels - 1); self.overdue = false; self.stage = WITHDRAWN;
       write(withdraw) }
  :: atomic { self.open && self.stage == WITHDRAWN -> close(me) }

  /* It has the turn. A run that a reset made may believe so; its activities are refused. */
  :: atomic { self.open && self.asked && self.granted != 0 &&
              (self.stage == ASKING || (self.stage == WITHDRAWN && mistake == TAKEN_AFTER_WITHDRAWAL)) ->
       self.token = self.granted; self.turnOf = self.grantedTo; self.granted = 0; self.grantedTo = 0;
       self.commits = 0; self.change = 0; self.heard = 0; self.touched = false; self.deadFirst = false;
       self.turns++;
       self.passed = HELD; self.stage = HELD;
       self.holds = (self.turnOf == me);
       assert(holders <= 1) }

  /* Before the pivot: forward, or back because of a failure or a cancel. A terminate has nothing to go back to. */
  :: atomic { self.open && self.stage == HELD && mayWrite ->
       if
       :: isFinal(me) -> writeCommit(FINAL)
       :: !isFinal(me) -> self.touched = true; begin(LAUNCH, LAUNCHING)
       :: !isFinal(me) && !self.touched && phase == RUNNING -> self.touched = true; writeCommit(DEAD)
       :: self.touched -> begin(UNDO, UNDOING)
       :: !self.touched -> writeDone()
       fi }
  :: atomic { self.open && self.stage == PAYING_FIRST && self.doing == IDLE -> self.deadFirst = true; self.stage = HELD }
  :: atomic { self.open && (self.stage == LAUNCHED || (self.stage == LAUNCHING && self.doing == IDLE)) && mayWrite ->
       self.passed = LAUNCHED;
       if
       :: writeCommit(ENTER)
       :: phase == RUNNING -> writeCommit(SWAP)
       :: begin(UNDO, UNDOING)
       fi }

  /* The pivot, and after it: publish, yield, drain and delete, done. */
  :: atomic { self.open && self.stage == COMMITTING && self.unheard && mayWrite -> write(commit) }
  :: atomic { self.open && self.stage == COMMITTING && self.refused -> close(me) }
  :: atomic { self.open && self.stage == COMMITTING && has(self.heard, self.commits) ->
       if
       :: self.change == DEAD -> begin(PAY, PAYING_FIRST)
       :: self.change != DEAD && mayAct -> self.passed = PUBLISHED; self.stage = PUBLISHED
       :: self.change != DEAD && !mayAct -> close(me)
       fi }
  :: atomic { self.open && self.stage == PUBLISHED && mayWrite ->
       if
       :: self.change == ENTER && !self.deadFirst -> writeDone()
       :: else ->
          self.holds = false;
          write(yield);
          if
          :: self.open -> begin(PAY, PAYING)
          :: else
          fi
       fi }
  :: atomic { self.open && self.stage == PAYING && self.doing == IDLE -> self.passed = PAID; self.stage = PAID }
  :: atomic { self.open && (self.stage == PAID || (self.stage == UNDOING && self.doing == IDLE)) && mayWrite -> writeDone() }

  /* The activity that is at work ends; behind a run that is gone with its effect or without. */
  :: atomic { self.doing != IDLE ->
       if
       :: self.doing == LAUNCH -> expectOwnTurn(me); made = made | bit(self.token)
       :: self.doing == UNDO -> expectOwnTurn(me); made = made & ~bit(self.token)
       :: self.doing == PAY -> t = self.token; pay(t); t = 0
       :: !self.open
       fi;
       self.doing = IDLE;
       self.token = (self.open -> self.token : 0) }
  od
}

/* ---- The record ---- */

inline pick(x, set) {
  x = 1;
  do
  :: has(set, x) -> break
  :: ((set) >> (x + 1)) != 0 -> x++
  od
}

/* Each of its answers goes to one run, and fails where that run is gone. */
inline deny(r) {
  queue = queue & ~bit(r);
  if
  :: !runs[r].open
  :: runs[r].open -> runs[r].denied = true
  :: runs[r].open && losses > 0 -> losses--; runs[r].unheard = true
  fi
}

inline denyAll() {
  do
  :: queue == 0 -> break
  :: queue != 0 -> pick(other, queue); deny(other)
  od;
  other = 0
}

inline tellGrant(r) {
  if
  :: !runs[r].open -> told = false
  /* A grant that is told twice is taken once. */
  :: runs[r].open && runs[r].token == turn && mistake != TAKEN_TWICE -> told = true
  :: runs[r].open && (runs[r].token != turn || mistake == TAKEN_TWICE) ->
     runs[r].granted = turn; runs[r].grantedTo = r; told = true
  :: runs[r].open && losses > 0 -> losses--; runs[r].unheard = true; told = true
  fi
}

/* Who has gone on by now does not look at it. */
inline tellCommitted(r, t, n, ok) {
  if
  :: !runs[r].open || runs[r].token != t
  :: runs[r].open && runs[r].token == t && ok -> runs[r].heard = runs[r].heard | bit(n)
  :: runs[r].open && runs[r].token == t && !ok -> runs[r].refused = true
  :: runs[r].open && losses > 0 -> losses--; runs[r].unheard = true
  fi
}

inline endIfOver() {
  if
  :: over && !ended ->
     ended = true;
     assert(made == 0 && unpaid == 0)
  :: else
  fi
}

/* state.ts: applyCommit. */
inline apply(t, n, change) {
  commits = n;
  applied++;
  assert(applied == n);
  if
  :: change == ENTER || change == SWAP ->
     /* Nobody is in service who does not exist. */
     assert(has(made, t));
     served = served | bit(t)
  :: else
  fi;
  if
  :: change == DEAD || change == SWAP -> debts = debts | bit(t); unpaid = unpaid | bit(t)
  :: change == ENTER
  :: change == FINAL ->
     /* It takes over what could not be cleaned up. */
     debts = (debts & ~blocked) | bit(t);
     swept = swept | blocked; blocked = 0;
     leaving = leaving | served; served = 0;
     finalToken = t
  fi;
  phase = (change == FINAL -> TERMINATING : RUNNING)
}

#define holdsTurn(r) (turn != 0 && (turnRun == r || (mistake == ASK_BY_WORKFLOW && runs[turnRun].workflow == runs[r].workflow)))
/* Whose message it must be: the token alone says less, for a run that a reset made has it too. */
#define mine(r) (turnRun == r || mistake == COMMIT_BY_TOKEN_ALONE)

inline handle(kind, from, t, n, change) {
  if
  :: kind == nothing

  :: kind == ask ->
     if
     :: holdsTurn(from) ->
        tokens = (mistake == NEW_TOKEN_WHEN_TOLD_AGAIN -> tokens + 1 : tokens);
        turn = (mistake == NEW_TOKEN_WHEN_TOLD_AGAIN -> tokens : turn);
        tellGrant(from);
        told = false
     :: !holdsTurn(from) && has(queue, from)
     :: !holdsTurn(from) && !has(queue, from) && (refusedNow(from) || ended) -> deny(from)
     :: !holdsTurn(from) && !has(queue, from) && !(refusedNow(from) || ended) -> queue = queue | bit(from)
     fi

  /* Nothing was touched, or only an asker was forgotten. */
  :: kind == withdraw ->
     queue = queue & ~bit(from);
     if
     :: turn != 0 && turnRun == from && commits == 0 -> settle(turn); freeTurn(); endIfOver()
     :: else
     fi

  :: kind == commit ->
     if
     :: !(turn == t && mine(from)) -> tellCommitted(from, t, n, false)
     :: turn == t && mine(from) && n <= commits && mistake != COMMIT_UNCOUNTED -> tellCommitted(from, t, n, true)
     :: turn == t && mine(from) && (n == commits + 1 || mistake == COMMIT_UNCOUNTED) ->
        apply(t, n, change);
        tellCommitted(from, t, n, true);
        if
        :: phase == TERMINATING -> denyAll()
        :: else
        fi
     fi

  /* Only of a turn that owes something: else nobody would be watched. */
  :: kind == yield ->
     if
     :: turn == t && (turnRun == from || mistake == END_BY_TOKEN_ALONE) && has(debts, t) ->
        assert(has(made, t) == (has(served, t) || has(leaving, t)));
        freeTurn()
     :: else
     fi

  :: kind == done ->
     if
     :: (turn == t || has(debts, t)) && (runOf[t] == from || mistake == END_BY_TOKEN_ALONE) && !retired(t) ->
        settle(t);
        if
        :: turn == t -> freeTurn()
        :: else
        fi;
        endIfOver()
     :: else
     fi

  :: kind == audit ->
     vanished = vanished | blocked;
     blocked = 0
  fi
}

/* One clean-up at a time, beside everything else. */
inline beginCleaning() {
  if
  :: vanished != 0 && cleaning == 0 ->
     pick(cleaning, vanished);
     kept = (has(served, cleaning) || has(leaving, cleaning))
  :: else
  fi
}

/* It has not come: whoever waits for an answer sends it again. */
inline miss(kind, from) {
  runs[from].unheard = (runs[from].unheard || (runs[from].open && (kind == ask || kind == commit)));
  runs[from].overdue = (runs[from].overdue || (runs[from].open && kind == done));
  kind = nothing
}

proctype Record() {
  mtype kind = nothing;
  byte from, t, n, change, other;
  bool told;
end:
  do
  /* A message: it arrives, is lost on its way, or arrives later, behind others, as well or instead. */
  :: atomic { !gone && (nempty(inbox) || nempty(echo)) ->
       if
       :: echo?kind, from, t, n, change
       :: inbox?kind, from, t, n, change ->
          runs[from].sending = (from == 0 -> 0 : runs[from].sending - 1);
          if
          :: true
          :: losses > 0 -> losses--; miss(kind, from)
          :: repeats > 0 && empty(echo) ->
             repeats--;
             echo!kind, from, t, n, change;
             if
             :: true
             :: miss(kind, from)
             fi
          fi
       fi;
       handle(kind, from, t, n, change);
       beginCleaning();
       kind = nothing; from = 0; t = 0; n = 0; change = 0 }

  /* Somebody gets the turn. Who is gone before it is told has touched nothing, and nobody knows the token. */
  :: atomic { !gone && !ended && queue != 0 && turn == 0 && (vanished == 0 || mistake == GRANT_BEFORE_CLEAN_UP) &&
              debtors(debts & ~blocked) < DEBTORS ->
       pick(from, queue);
       if
       :: refusedNow(from) -> deny(from)
       :: else ->
          queue = queue & ~bit(from);
          expectClean(from);
          tokens++;
          turn = tokens; turnRun = from; runOf[turn] = from;
          tellGrant(from);
          if
          :: told -> watched = (mistake == HOLDER_UNWATCHED -> watched : watched | bit(turn))
          :: !told -> settle(turn); freeTurn(); tokens--; endIfOver()
          fi;
          told = false
       fi;
       from = 0 }

  /* The run of a turn or of a debt has closed without a done. What it sent before has come before. */
  :: atomic { !gone && allClosed != 0 ->
       pick(t, allClosed);
       watched = watched & ~bit(t);
       if
       /* Known already, or taken over by a terminate since. */
       :: retired(t) || (turn != t && !has(debts, t)) -> skip
       :: else ->
          debts = (mistake == VANISHED_HAS_PAID && turn != t -> debts & ~bit(t) : debts);
          vanished = (has(debts, t) || turn == t -> vanished | bit(t) : vanished);
          if
          :: turn == t && mistake != TOKEN_NOT_RETIRED -> freeTurn()
          :: else
          fi
       fi;
       beginCleaning();
       t = 0 }

  :: atomic { !gone && result == CLEANED ->
       if
       :: turn == cleaning -> freeTurn()
       :: else
       fi;
       settle(cleaning);
       cleaning = 0; kept = false; result = 0; failed = 0;
       beginCleaning();
       endIfOver() }
  :: atomic { !gone && result == FAILED ->
       failed++;
       if
       :: failed < TRIES
       :: else ->
          vanished = vanished & ~bit(cleaning);
          blocked = blocked | bit(cleaning);
          failed = 0
       fi;
       cleaning = 0; kept = false; result = 0;
       beginCleaning() }

  /* As new: the state travels, the watches do not. */
  :: atomic { !gone && !ended && continues > 0 && empty(inbox) && vanished == 0 ->
       continues--;
       watched = (mistake == DEBT_UNWATCHED -> 0 : debts) | (turn == 0 || mistake == TURN_UNWATCHED -> 0 : bit(turn)) }

  :: atomic { !gone && ended && empty(inbox) -> denyAll(); gone = true }
  od
}

/* ---- The clean-up ---- */

/*
 * It begins to delete when no late attempt of the dead token can be at work any more; the code waits as long as an attempt and a call
 * may take. It fails only after ten minutes of trying.
 */
proctype Audit() {
  bool removed;
end:
  do
  :: atomic { cleaning != 0 && result == 0 && !removed && (quiet(cleaning) || mistake == SWEEP_AT_ONCE) ->
       made = (kept -> made : made & ~bit(cleaning));
       removed = true }
  :: atomic { cleaning != 0 && result == 0 && removed ->
       if
       :: has(debts, cleaning) -> pay(cleaning)
       :: else
       fi;
       removed = false; result = CLEANED }
  :: atomic { cleaning != 0 && result == 0 && quiet(cleaning) && failures > 0 -> failures--; removed = false; result = FAILED }
  od
}

/* ---- Who meddles ---- */

#define allOpen (runs[1].open << 1 | runs[2].open << 2 | runs[3].open << 3 | runs[4].open << 4)

/*
 * The new run goes on from anything that the old one has passed, with what it had been told then; to have been told of the turn, because
 * signals are applied again, is the same as to go on from there. Where its next step is an activity it ends with TurnLost, as if
 * it were closed: such points are left out. So are runs that were reset when they had closed: until it does something, a new run might
 * as well not be there.
 */
inline reset(a, b) {
  resets--; begun++;
  b = begun;
  runs[b].workflow = runs[a].workflow;
  runs[b].turns = runs[a].turns;
  if
  :: runs[b].stage = ASKING
  :: runs[a].passed >= HELD -> runs[b].stage = HELD
  :: runs[a].passed >= LAUNCHED -> runs[b].stage = LAUNCHED
  :: runs[a].passed >= PUBLISHED -> runs[b].stage = PUBLISHED; runs[b].change = runs[a].change
  :: runs[a].passed >= PAID -> runs[b].stage = PAID; runs[b].change = runs[a].change
  fi;
  if
  :: runs[b].stage == ASKING
  :: else ->
     runs[b].token = runs[a].token; runs[b].turnOf = runs[a].turnOf; runs[b].passed = runs[b].stage;
     runs[b].deadFirst = (runs[b].stage != HELD && runs[a].deadFirst);
     runs[b].touched = (runs[b].stage != HELD);
     runs[b].commits = runs[b].deadFirst + (runs[b].stage >= PUBLISHED)
  fi;
  runs[b].open = true;
  close(a)
}

#define resettable (terminates || instantiates || turns > 1 || begun > callers -> 255 : bit(1))

proctype Operator() {
  byte r, new;
end:
  do
  :: atomic { kills > 0 && allOpen != 0 -> pick(r, allOpen); kills--; close(r); r = 0 }
  /* Where the callers are alike, the first reset is one of the first: were it of another, they would only have changed names. */
  :: atomic { resets > 0 && (allOpen & resettable) != 0 -> pick(r, allOpen & resettable); reset(r, new); r = 0; new = 0 }
  :: atomic { orders > 0 && blocked != 0 && !gone && nfull(inbox) -> orders--; inbox!audit, 0, 0, 0, 0 }
  :: atomic { recordKills > 0 && !gone -> recordKills--; gone = true; killed = true;
       runs[1].unheard = runs[1].open; runs[2].unheard = runs[2].open;
       runs[3].unheard = runs[3].open; runs[4].unheard = runs[4].open }
  od
}

init {
  byte me;
  atomic {
#ifdef FROM_ENVIRONMENT
    c_code {
      now.mistake = given("MISTAKE", MISTAKE);
      now.callers = given("CALLERS", CALLERS);
      now.kills = given("KILLS", KILLS);
      now.resets = given("RESETS", RESETS);
      now.cancels = given("CANCELS", CANCELS);
      now.losses = given("LOSSES", LOSSES);
      now.repeats = given("REPEATS", REPEATS);
      now.continues = given("CONTINUES", CONTINUES);
      now.recordKills = given("RECORD_KILLS", RECORD_KILLS);
      now.failures = given("FAILURES", FAILURES);
      now.orders = given("ORDERS", ORDERS);
      now.turns = given("TURNS", TURNS);
      now.instantiates = given("INSTANTIATES", INSTANTIATES);
      now.terminates = given("TERMINATES", TERMINATES);
    };
#endif
    assert(callers + resets <= RUNS);
    run Record(); run Audit(); run Operator();
    for (me : 1 .. callers + resets) { run Caller(me) }
    for (me : 1 .. callers) { runs[me].workflow = me; runs[me].stage = ASKING; runs[me].open = true }
    me = 0;
    begun = callers;
    if
    :: instantiates -> phase = INSTANTIATING; runs[1].asked = true; runs[1].sending = 1; inbox!ask, 1, 0, 0, 0
    :: else
    fi
  };
end:
  /* When nothing more happens, nobody waits and nothing is left. */
  timeout ->
    assert(!runs[1].open && !runs[2].open && !runs[3].open && !runs[4].open);
    if
    :: killed
    :: else ->
       assert(turn == 0 && queue == 0 && vanished == 0 && cleaning == 0);
       assert((made & ~blocked) == ((served | leaving) & ~blocked));
       assert((debts & ~blocked) == 0 && (unpaid & ~blocked) == 0);
       assert(gone == ended)
    fi
}
