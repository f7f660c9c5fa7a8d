/* The session protocol of one provider instance: who may call whom, when, and what every call is
 * owed. The words are the library's own; README.md says what the model leaves out.
 *
 * The platform runs on one thread: a coroutine runs until it suspends. So each atomic block below
 * is one such run, and the interleaving of blocks is the order in which the scheduler may resume
 * coroutines. Time is a choice: a timer may fire as soon as it is armed.
 *
 * Bounds (overridden by run.py for each property): */
#ifndef CALLERS
#define CALLERS 2 /* tasks spawned by the provider, each making pended calls */
#endif
#ifndef CALLS
#define CALLS 1 /* calls made by each of them */
#endif
#ifndef ADDS
#define ADDS 2 /* transport ids proposed before connectivity is denied */
#endif
#ifndef FAILURES
#define FAILURES 1 /* failed activations; bounded, or standing demand could wait for ever */
#endif

/* States of an instance. */
mtype = { CREATED, REGISTERING, ESTABLISHING, IDLE, ACTIVATING, ACTIVE, DEACTIVATING, TERMINATING,
          ENDED, DEREGISTERED, DESTROYED };
/* Events that move it; the second line ends a session, and the first of them is its reason. */
mtype = { register, granted, refused, establish_returned, demand, activated, activation_failed,
          unused, dormant_finished, drained, destroy,
          deregister, shutdown, watchdog, fault, link_loss };
/* Rows of the dispatch table. */
mtype = { establish_session, terminate_session, transition_active, transition_dormant,
          add_transport_id, remove_transport_id, reach_transport_id, send_buffers };
/* Progress of a call, and results of calls and rows; 0 is "no call". HANDED: the message is lent
 * to a provider and cannot be taken back. */
mtype = { WAITING, HANDED, OK, FAILED, THREW, REFUSED };

mtype state = CREATED;
mtype reason = 0; /* why the session ends; 0 while it lives */

/* A row outstanding: control rows follow one another, the path's rows run beside them, and
 * terminate may overlap a row that is overdue. */
#define CONTROL 0
#define PATH 1
#define FINAL 2
typedef Slot {
  mtype row;    /* 0: none */
  mtype result; /* 0: has not returned */
  bool stop;    /* was asked to stop */
  bool stuck;   /* will never return (known to the properties only) */
}
Slot slot[3];

/* Calls to the platform. */
mtype registration;
mtype deregistration[2]; /* the owner's, and a second one beside it */
mtype call[CALLERS + 1]; /* pended calls, by caller 1..CALLERS */
#define SEND 0  /* one-off demand: refused while an activation is backing off */
#define READY 1 /* standing demand: waits for the next attempt */
mtype want[2];

bool stopped;             /* the platform takes no more registrations */
bool deregister_called;
bool established;         /* establish has returned */
bool gate_open;           /* calls need not be held any more */
chan held = [CALLERS] of { byte };
byte turn;                /* the held caller resumed now; 0: none */
byte tasks;               /* in the session's task group */
bool stop_tasks;
bool lane_open;           /* sends may be handed to the provider */
bool added, reached;      /* the one local id, the one remote id */
bool backing_off;

/* What only the properties look at. */
mtype first_trigger;      /* the first event that ends the session */
byte terminations;
bool told_active;         /* the provider knows itself active */
byte arrivals, served;    /* order of pended calls */
byte failures;
bool called_inside;       /* a row has called deregister */

#define running(s) (slot[s].row != 0 && slot[s].result == 0)
#define returned(s) (slot[s].result != 0)
#define any_stuck (slot[CONTROL].stuck || slot[PATH].stuck || slot[FINAL].stuck)
#define gone (state == DEREGISTERED || state == DESTROYED)
#define live                                                                                       \
  (state == ESTABLISHING || state == IDLE || state == ACTIVATING || state == ACTIVE ||             \
   state == DEACTIVATING)
#ifdef SEND_DOES_NOT_ACTIVATE
#define activates (want[READY] == WAITING)
#else
#define activates wanted
#endif
#define wanted (want[SEND] == WAITING || want[READY] == WAITING)
#ifdef TASKS_LEFT
#define quiet (!running(CONTROL) && slot[PATH].row == 0)
#else
#define quiet (!running(CONTROL) && slot[PATH].row == 0 && tasks == 0)
#endif

#ifdef EDGES
hidden mtype from, by;
#endif
inline move(event, to) {
#ifdef EDGES
  from = state;
  by = event;
  state = to;
  printf("edge "); printm(from); printf(" "); printm(by); printf(" "); printm(state); printf("\n")
#else
  state = to
#endif
}

/* Completes a call: never one that is complete already. */
inline complete(which, answer) {
  assert(which == WAITING || which == HANDED);
  which = answer
}

inline refuse_demand() {
  if
  :: want[SEND] == WAITING -> complete(want[SEND], REFUSED)
  :: else
  fi;
  if
  :: want[READY] == WAITING -> complete(want[READY], REFUSED)
  :: else
  fi
}

/* Starts a row. Here stand the rules about which row may start when. */
inline start(s, name) {
  assert(slot[s].row == 0 || s == FINAL);                                     /* U14 */
  assert(terminations == 0);                                                  /* G22 */
  assert(name == establish_session || established);                           /* G3, G19 */
  assert(name != establish_session || (state == ESTABLISHING && !established)); /* G1, G11 */
  assert(name != transition_active || state == ACTIVATING);                   /* G41 */
  assert(name != transition_dormant ||
         (state == DEACTIVATING && slot[PATH].row == 0)); /* 7.8: no send outstanding */
  assert((name != add_transport_id && name != remove_transport_id &&
          name != reach_transport_id && name != send_buffers) ||
         (state == ACTIVE && reason == 0));                                   /* G38 */
  assert(name != send_buffers || (added && reached));                         /* G30 */
  assert(name != terminate_session || (state == TERMINATING && reason == first_trigger)); /* U18 */
  if
  :: name == terminate_session -> terminations++
  :: name == transition_dormant -> told_active = false
  :: else
  fi;
  slot[s].row = name;
  slot[s].result = 0;
  slot[s].stop = false
}

inline take(s) {
  slot[s].row = 0;
  slot[s].result = 0
}

inline stop_rows() {
#ifndef NO_STOP
  slot[CONTROL].stop = true;
  slot[PATH].stop = true
#else
  skip
#endif
}

hidden byte next_held;

/* Ends the session: whoever waits is answered now, not behind a row that may never return. A row
 * that called is not stopped by its own call: `me` is its slot, or 3. */
inline end(why, me) {
  if
  :: first_trigger == 0 -> first_trigger = why
  :: else
  fi;
  if
  :: reason == 0 ->
    reason = why;
    told_active = false;
#ifndef NO_RUNDOWN
    lane_open = false;
#endif
#ifndef HELD_AFTER_END
    do
    :: nempty(held) -> held?next_held; complete(call[next_held], REFUSED); next_held = 0
    :: empty(held) -> break
    od;
#endif
#ifdef CANCEL_RACE
    if
    :: turn != 0 -> complete(call[turn], REFUSED)
    :: else
    fi;
#endif
#if !defined(DEMAND_AFTER_END) && !defined(NO_RUNDOWN)
    refuse_demand();
#endif
#ifndef NO_TASK_STOP
    stop_tasks = true;
#endif
#ifndef NO_STOP
    if
    :: me != CONTROL -> slot[CONTROL].stop = true
    :: else
    fi;
    if
    :: me != PATH -> slot[PATH].stop = true
    :: else
    fi;
#endif
    if
    :: state != ESTABLISHING -> move(reason, TERMINATING)
    :: else /* deferred until establish has returned */
    fi
  :: else
#ifdef LAST_REASON_WINS
    -> reason = why
#endif
  fi
}

/* A row's deadline: it is asked to stop, and the session ends. */
inline expire(s) {
  slot[s].stop = true;
  end(watchdog, 3)
}

/* The session's deregister; `accepted` says whether there is anything to wait for. */
inline call_deregister(me, accepted) {
  if
  :: live ->
    deregister_called = true;
    end(deregister, me);
    accepted = true
  :: state == TERMINATING ->
    deregister_called = true;
#ifdef LAST_REASON_WINS
    reason = deregister;
#endif
    accepted = true
  :: state == ENDED ->
    deregister_called = true;
    move(deregister, DEREGISTERED);
    accepted = false
  :: else -> accepted = false
  fi
}

/* Hands the turn to the next held caller; the gate opens when there is none. */
inline pass_turn() {
  if
  :: nempty(held) ->
    held?turn;
#ifdef GATE_OPENS_EARLY
    gate_open = true
#endif
  :: empty(held) ->
    turn = 0;
    gate_open = true
  fi
}

/* Awaits a control row under its deadline; leaves when the session has ended. */
inline await_control() {
  if
  :: returned(CONTROL) && reason == 0
  :: atomic { running(CONTROL) && reason == 0 -> expire(CONTROL) }; goto rundown
  :: reason != 0 -> goto rundown
  fi
}

/* The control coroutine. */
active proctype Life() {
  byte proposals;

registering:
  do
#ifdef ESTABLISH_BEFORE_GRANT
  :: atomic { state == REGISTERING -> start(CONTROL, establish_session); break }
#endif
  :: atomic {
       state == REGISTERING && !stopped ->
       move(granted, ESTABLISHING);
       complete(registration, OK);
#ifdef GATE_BEFORE_ESTABLISHED
       gate_open = true;
#endif
       start(CONTROL, establish_session);
       break
     }
  :: atomic {
       state == REGISTERING ->
       move(refused, CREATED);
#ifndef REFUSAL_UNANSWERED
       complete(registration, REFUSED)
#endif
     }
  od;

  /* Establish is awaited without limit: no other row may start before it has returned. */
  do
  :: returned(CONTROL) -> break
#ifndef NO_DEADLINE
  :: atomic { running(CONTROL) && !slot[CONTROL].stop -> expire(CONTROL) }
#endif
#ifdef TERMINATE_WITHOUT_ESTABLISH
  :: atomic { reason != 0 -> move(reason, TERMINATING); goto rundown }
#endif
  od;
#ifdef LOST_PEND
  if
  :: atomic { empty(held) && slot[CONTROL].result != THREW && reason == 0 ->
              established = true; take(CONTROL); move(establish_returned, IDLE) };
     gate_open = true;
     goto idle
  :: else
  fi;
#endif
  atomic {
    established = true;
    if
    :: slot[CONTROL].result == THREW -> end(fault, 3)
    :: else
    fi;
    take(CONTROL);
    if
    :: reason != 0 -> move(reason, TERMINATING); goto rundown
    :: else -> move(establish_returned, IDLE); pass_turn()
    fi
  };

idle:
  do
  :: atomic {
       reason == 0 && activates && !backing_off ->
       move(demand, ACTIVATING);
       start(CONTROL, transition_active);
       break
     }
#ifndef NO_RETRY
  :: atomic { reason == 0 && backing_off -> backing_off = false }
#endif
  :: reason != 0 -> goto rundown
  od;
  await_control();
  atomic {
    if
    :: reason != 0 -> goto rundown
    :: reason == 0 && slot[CONTROL].result == THREW -> take(CONTROL); end(fault, 3); goto rundown
    :: reason == 0 && slot[CONTROL].result == FAILED ->
      take(CONTROL);
#ifdef FAILED_ACTIVATION_ENDS
      end(fault, 3);
      goto rundown;
#endif
      backing_off = true;
      if
      :: want[SEND] == WAITING -> complete(want[SEND], REFUSED)
      :: else
      fi;
      move(activation_failed, IDLE);
      goto idle
    :: reason == 0 && slot[CONTROL].result == OK ->
      take(CONTROL);
#ifdef ACTIVE_TOO_LATE
      move(activated, ACTIVE);
#endif
      lane_open = true
    fi
  };

  do
  :: atomic { reason == 0 && added && want[READY] == WAITING -> complete(want[READY], OK) }
  :: atomic { reason == 0 && !added && wanted -> start(CONTROL, add_transport_id) };
     await_control();
     atomic {
       if
       :: reason != 0 -> goto rundown
       :: reason == 0 && slot[CONTROL].result == THREW -> take(CONTROL); end(fault, 3); goto rundown
       :: reason == 0 && slot[CONTROL].result == OK -> take(CONTROL); added = true; proposals = 0
       :: reason == 0 && slot[CONTROL].result == FAILED ->
         take(CONTROL);
         proposals++;
         if
         :: proposals == ADDS -> proposals = 0; refuse_demand()
         :: else
         fi
       fi
     }
  :: atomic {
       reason == 0 && !wanted && slot[PATH].row == 0 -> /* nothing queued, nothing lent */
#ifndef LANE_LEFT_OPEN
       lane_open = false;
#endif
       proposals = 0;
       if
       :: added -> start(CONTROL, remove_transport_id)
       :: else -> goto deactivating
       fi
     };
     await_control();
     break
  :: reason != 0 -> goto rundown
  od;
deactivating:
  atomic {
    if
    :: reason != 0 -> goto rundown
    :: reason == 0 && slot[CONTROL].result == THREW -> take(CONTROL); end(fault, 3); goto rundown
    :: reason == 0 && slot[CONTROL].result != THREW ->
      take(CONTROL);
      added = false;
      reached = false;
      move(unused, DEACTIVATING);
      start(CONTROL, transition_dormant)
    fi
  };
  await_control();
  atomic {
    if
    :: reason != 0 -> goto rundown
    :: reason == 0 && slot[CONTROL].result == THREW -> take(CONTROL); end(fault, 3); goto rundown
    :: reason == 0 && slot[CONTROL].result != THREW ->
      take(CONTROL);
      move(dormant_finished, IDLE);
      goto idle
    fi
  };

rundown: /* rows and tasks have been asked to stop; they have a grace time */
  if
  :: quiet
#ifndef NO_GRACE_LIMIT
  :: atomic { !quiet -> stop_rows() }
#ifdef FREE_EARLY
     ;
     atomic {
       if
       :: want[SEND] == HANDED -> complete(want[SEND], REFUSED)
       :: else
       fi
     }
#endif
#endif
  fi;
#ifdef NO_TERMINATE_ON_FAILURE
  if
  :: reason == fault -> goto draining
  :: else
  fi;
#endif
  start_terminate: atomic { start(FINAL, terminate_session) };
  if
  :: returned(FINAL)
  :: atomic { running(FINAL) -> slot[FINAL].stop = true }
  fi;
#ifdef SECOND_TERMINATE
  if
  :: deregister_called && returned(FINAL) -> goto start_terminate
  :: else
  fi;
#endif

draining: /* an overdue row or task is not freed under its feet: only this waits for it */
#ifdef DEREGISTER_EARLY
  atomic {
#else
  atomic {
    quiet && !running(FINAL) ->
#endif
    assert(terminations == 1); /* G19, G22 */
    if
#ifdef NO_ENDED
    :: true ->
#else
    :: deregister_called ->
#endif
      move(drained, DEREGISTERED);
      if
      :: deregistration[0] == WAITING -> complete(deregistration[0], OK)
      :: else
      fi;
      if
      :: deregistration[1] == WAITING -> complete(deregistration[1], OK)
      :: else
      fi
#ifndef NO_ENDED
    :: else -> move(drained, ENDED)
#endif
    fi
  }
}

#ifdef DEMAND
/* The path coroutine: reaches, then sends, beside the control coroutine. */
active proctype Serve() {
  do
  :: atomic {
       lane_open && added && want[SEND] == WAITING ->
       if
       :: reached -> want[SEND] = HANDED; start(PATH, send_buffers)
       :: else -> start(PATH, reach_transport_id)
       fi
     };
     do
     :: returned(PATH) -> break
     :: atomic { running(PATH) && reason == 0 -> expire(PATH) }
     od;
     atomic {
       if
       :: want[SEND] == HANDED && slot[PATH].row == send_buffers ->
         complete(want[SEND], (slot[PATH].result == OK -> OK : FAILED));
         reached = (slot[PATH].result == OK)
       :: slot[PATH].row == reach_transport_id && slot[PATH].result == OK && reason == 0 ->
         reached = true
       :: slot[PATH].row == reach_transport_id && slot[PATH].result != OK &&
          want[SEND] == WAITING ->
         complete(want[SEND], FAILED)
       :: else
       fi;
       if
       :: slot[PATH].result == THREW -> end(fault, 3)
       :: else
       fi;
       take(PATH)
     }
  od
}
#endif

inline leave(s, how) {
  slot[s].result = how;
  if
  :: slot[s].row == transition_active && how == OK && reason == 0 ->
    /* inside the completion, so that an indication right after it is accepted (U6) */
#ifndef ACTIVE_TOO_LATE
    move(activated, ACTIVE);
#endif
    told_active = true
  :: slot[s].row == transition_active && how == FAILED -> failures++
  :: else
  fi
}

/* A row of the provider, for as long as it runs: it returns, fails, throws, deregisters, waits to
 * be stopped, or never returns, in its own time. */
proctype Row(byte s) {
  bool wait;
serving:
  do
  :: atomic {
       running(s) ->
       assert(!gone); /* G23 */
       if
       :: leave(s, OK)
       :: slot[s].row != establish_session && slot[s].row != terminate_session &&
          (slot[s].row != transition_active || failures < FAILURES) ->
         leave(s, FAILED)
       :: leave(s, THREW)
#ifdef IN_ROW
       :: !called_inside -> /* and goes on: it is neither stopped nor made to wait */
         called_inside = true;
         call_deregister(s, wait);
#ifdef DEREGISTER_WAITS_IN_ROW
         if
         :: wait -> goto waiting
         :: else
         fi;
#endif
         wait = false
#endif
       :: goto stoppable
       :: slot[s].stuck = true; goto stuck
       fi
     }
  od;
stoppable:
  atomic { slot[s].stop -> assert(!gone); leave(s, OK); goto serving };
#ifdef DEREGISTER_WAITS_IN_ROW
waiting:
  gone;
#endif
stuck:
  false
}

#if CALLERS > 0
/* A task spawned by the provider, making calls that are held until establish has returned. */
proctype Caller(byte me) {
  byte ticket, calls;
  atomic { live && reason == 0 -> tasks++ };
  do
  :: calls < CALLS ->
    calls++;
    atomic {
      assert(!gone); /* G23 */
      if
      :: reason != 0 -> goto done
      :: reason == 0 && gate_open ->
        assert(established);                /* G5 */
        assert(empty(held) && turn == 0)    /* nobody is overtaken */
      :: reason == 0 && !gate_open ->
        arrivals++;
        ticket = arrivals;
        call[me] = WAITING;
        held!me
      fi
    };
    if
    :: atomic {
         turn == me ->
         if
         :: reason != 0 -> complete(call[me], REFUSED)
         :: else ->
           assert(established);     /* G5 */
           assert(ticket > served); /* first come, first served */
           served = ticket;
           complete(call[me], OK)
         fi;
#ifndef TURN_NOT_PASSED
         pass_turn()
#endif
       }
    :: call[me] != WAITING && turn != me
#ifdef CANCEL
    :: atomic {
         me == 1 && held??[eval(me)] ->
#ifdef CANCEL_LEAVES_NODE
         skip;
#else
         held??eval(me);
#endif
         complete(call[me], REFUSED)
       }
#endif
    fi;
    call[me] = 0;
    ticket = 0
  :: break
  :: atomic { assert(!gone); end(fault, 3); break } /* throws */
  :: skip -> stop_tasks; break /* works until it is stopped */
  od;
done:
  atomic { assert(!gone); tasks-- }
}
#endif

#ifdef DEMAND
/* An application that keeps asking, one demand at a time, until it has had enough. Demand that
 * would be refused at once leaves no trace, so it is not made. */
proctype Application(byte me) {
  do
  :: atomic { live && reason == 0 && (me == READY || !backing_off) -> want[me] = WAITING };
#ifdef CANCEL
     if
     :: atomic { want[me] == WAITING -> complete(want[me], REFUSED) }
     :: want[me] != WAITING
     fi;
#endif
     atomic {
       want[me] != WAITING && want[me] != HANDED ->
       /* the message is the application's again: no row may still read it */
       assert(me != SEND || !(running(PATH) && slot[PATH].row == send_buffers));
       want[me] = 0
     }
  :: break
  od
}
#endif

/* Whoever holds the instance. */
active proctype Owner() {
  bool wait;
again:
  atomic { move(register, REGISTERING); registration = WAITING };
  if
  :: atomic { registration == OK -> registration = 0 }
  :: atomic { registration == REFUSED -> registration = 0; goto again }
  :: atomic { registration == REFUSED -> registration = 0; goto destroying }
  fi;
  if
  :: skip                          /* some time or other */
  :: skip -> state == ENDED || gone /* only when the session has ended by itself */
  fi;
  atomic {
    call_deregister(3, wait);
    if
    :: wait -> deregistration[0] = WAITING
    :: else -> goto destroying
    fi
  };
  atomic { deregistration[0] == OK -> deregistration[0] = 0 };
destroying:
  atomic { assert(state == CREATED || state == DEREGISTERED); move(destroy, DESTROYED) }
}

#ifdef SECOND_DEREGISTER
active proctype Other() {
  bool wait;
  if
  :: atomic {
       call_deregister(3, wait);
       if
       :: wait -> deregistration[1] = WAITING
       :: else -> goto done
       fi
     };
     atomic { deregistration[1] == OK -> deregistration[1] = 0 }
  :: skip
  fi;
done:
  skip
}
#endif

#ifdef WORLD
/* What may befall the whole platform, or nothing. */
active proctype World() {
  if
  :: atomic {
       stopped = true;
       if
       :: live -> end(shutdown, 3)
       :: else
       fi
     }
  :: atomic { live -> end(link_loss, 3) }
  :: skip
  fi
}
#endif

#ifdef SOURCE
/* Datagrams from the network, indicated in every state (G6). */
active proctype Source() {
  bool accepted;
  do
  :: atomic {
       !gone ->
#ifdef INDICATE_WHEN_IDLE
       accepted = (state == ACTIVE || state == IDLE);
#else
       accepted = (state == ACTIVE);
#endif
       assert(accepted == told_active);
       accepted = false
     }
  od
}
#endif

#ifdef REST
/* When nothing can happen any more, nobody may be left waiting except for a row that never
 * returns; and then only those who must wait for it. */
active proctype Rest() {
  timeout ->
  assert(registration != WAITING);
#if CALLERS > 0
  assert(call[1] != WAITING);
#endif
#if CALLERS > 1
  assert(call[2] != WAITING);
#endif
#if CALLERS > 2
  assert(call[3] != WAITING);
#endif
  assert(!wanted);
  assert(want[SEND] != HANDED || slot[PATH].stuck);
  assert((deregistration[0] != WAITING && deregistration[1] != WAITING) || any_stuck);
  assert(terminations == 1 || reason == 0 || (!established && slot[CONTROL].stuck));
  assert(state == DESTROYED || (state == IDLE && reason == 0) ||
         (any_stuck && reason != 0 && (state == ESTABLISHING || state == TERMINATING)))
}
#endif

init {
  atomic {
    run Row(CONTROL);
    run Row(FINAL);
#if CALLERS > 0
    run Caller(1);
#endif
#if CALLERS > 1
    run Caller(2);
#endif
#if CALLERS > 2
    run Caller(3);
#endif
#ifdef DEMAND
    run Row(PATH);
    run Application(SEND);
    run Application(READY)
#endif
  }
}

/* Safety over time. */
ltl p_establish_first {
  [] (established || (slot[PATH].row == 0 && slot[FINAL].row == 0 &&
                      (slot[CONTROL].row == 0 || slot[CONTROL].row == establish_session))) /* G3 */
}
ltl p_one_reason {
  [] ((reason == deregister -> [] (reason == deregister)) &&
      (reason == watchdog -> [] (reason == watchdog)) && (reason == fault -> [] (reason == fault)))
}
ltl p_quiet { [] (gone -> [] (gone && !running(CONTROL) && !running(PATH) && !running(FINAL) && tasks == 0)) }
ltl p_paired { [] (state == DEREGISTERED -> (established && terminations == 1)) }

/* Liveness, under weak fairness. A row that never returns may delay only what the text says. */
ltl l_register { [] (registration == WAITING -> <> (registration != WAITING)) }
ltl l_deregister { [] (deregistration[0] == WAITING -> <> (deregistration[0] != WAITING || any_stuck)) }
ltl l_join { [] (deregistration[1] == WAITING -> <> (deregistration[1] != WAITING || any_stuck)) }
ltl l_terminate {
  [] (reason != 0 -> <> (terminations == 1 || (!established && slot[CONTROL].stuck)))
}
#if CALLERS > 0
ltl l_first_call { [] (call[1] == WAITING -> <> (call[1] != WAITING)) }
ltl l_last_call { [] (call[CALLERS] == WAITING -> <> (call[CALLERS] != WAITING)) }
#endif
#ifdef DEMAND
ltl l_send {
  [] (want[SEND] == WAITING -> <> (want[SEND] == 0 || (want[SEND] == HANDED && slot[PATH].stuck)))
}
ltl l_failed_activation { /* G39; nothing else can be at fault while a session activates */
  [] ((slot[CONTROL].row == transition_active && slot[CONTROL].result == FAILED && reason == 0) ->
      <> (state == IDLE || (reason != 0 && reason != fault)))
}
ltl l_ready { [] (want[READY] == WAITING -> <> (want[READY] == 0)) }
#endif
