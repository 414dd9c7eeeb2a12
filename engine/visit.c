/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The visit: make a waiting thread run its call again with other arguments.
 *
 * A notification cannot change arguments, ptrace can. Nobody stays attached
 * for longer than the call takes, so strace and gdb go on working in a view.
 * While the thread waits:
 *
 *  1. PTRACE_SEIZE and PTRACE_INTERRUPT. The wait is killable only, so the
 *     thread does not notice yet; the trap is pending.
 *  2. Answer the call with an error. On its way out the thread runs into
 *     the trap before any signal is delivered to it. (Without
 *     WAIT_KILLABLE_RECV, before 5.19, the interrupt itself ends the wait,
 *     nobody is there to be answered, and the thread runs into the same
 *     trap with -ERESTARTSYS. That serves as well.)
 *  3. Read its registers. They must be those of a thread that has just left
 *     this call with our error, and the two bytes before its instruction
 *     pointer must be the instruction that enters the kernel.
 *  4. Write the block below the red zone, set the instruction pointer back,
 *     keep signals off, and let it run to the entry of the call. There, past
 *     the last place where a handler could run and overwrite the block,
 *     signals are let in again, and number and arguments are replaced.
 *  5. The filter sees the new call and notifies it. It is known by thread,
 *     number and arguments, and answered CONTINUE without a dispatch; by
 *     another receiver, as this one has given its duty away.
 *  6. At the end of the call the argument registers get their old values,
 *     for the kernel preserves them and inlined calls rely on it. Then we
 *     detach. If a signal has interrupted the call, the kernel will restart
 *     it with the old number and arguments: as a new call, that is
 *     dispatched and rewritten again. Nothing else than a signal ends a call
 *     early, and no stop but its end can come before that; so there is
 *     nothing to pass on while we wait, however long.
 *
 * A visit takes longer than a call. If signals come faster than visits end,
 * the new call always finds one pending, is interrupted before it is
 * received, and nothing is ever done. So a call that was not received is
 * made a second time with signals still kept off. If that waits for
 * something, it is interrupted, as the signal would have done.
 *
 * If anything comes between 3 and 4 (job control, a debugger's signal), the
 * thread is left with nothing changed but the instruction pointer, and makes
 * the call afresh.
 *
 * Waiting for the end takes a receiver. ATTENDED_MAX may do so; beyond that,
 * or when nobody else can receive, we detach in 4, and the registers keep
 * the new values. If a signal interrupts such a call, the kernel makes it
 * again with those. A handler may have written where the block was (it need
 * not: the kernel leaves gaps of kilobytes in a signal frame), or to what the
 * guest's own arguments point to. So the entry stays, with a sum over the block:
 * when the very same call comes in again, from the same depth of the stack, it
 * becomes the one that the guest had made, and is dispatched (reissue_take);
 * and so when it comes for the first time, and the block is not what it was.
 * We do not wait either when the program to be executed gains
 * privileges: it would not, under a tracer.
 *
 * In passing. A program is executed, so the registers are of no account, and
 * its loader will make a call, before which nobody can read AT_EXECFN. Then
 * the new arguments are set in 4, and we leave: one stop instead of three.
 * The entry is as one that nobody attends to, but it stays until the thread's
 * next call, which is when the program gets its name. If a handler comes in
 * between and spoils the block, the call is dispatched once more, and visited
 * in full. If the kernel refuses to execute, the thread goes on with the new
 * arguments in its registers; the caller has made sure that it hardly will.
 * (The loader itself does tell the kernel's name, when LD_SHOW_AUXV is set.)
 *
 * If the block cannot be written the thread's result is set to -ENOMEM, and
 * it never knows more than that.
 *
 * What can be noticed: while it runs, the call's thread has a tracer.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "engine/engine_internal.h"
#include "engine/memory.h"
#include "engine/proc.h"
#include "engine/tracee.h"

/* What the guest gets when the monitor dies in the middle of a visit. */
#define ANSWER		(-ENOMEM)

/* The kernel's own: what an interrupted wait leaves in the result. */
#define ERESTARTSYS	512

struct visit {
	const struct call *call;
	struct rewrite *rw;
	struct tracee t;
	struct arch_regs old;	/* as the call left them */
	bool passing;
};

bool engine_can_rewrite(const struct call *call)
{
	return proc_tracer(call->tid) == 0;
}

/* ---- calls sent back ------------------------------------------------ */

/*
 * The one to replace: this thread's old one (it never came: the thread was
 * left with it and killed), a free one, or the oldest.
 */
static struct reissue_entry *choose(struct reissue *list, pid_t tid)
{
	struct reissue_entry *best = &list->entry[0], *p;

	for (p = list->entry; p < list->entry + REISSUE_MAX; p++) {
		if (p->tid == tid)
			return p;
		if (!p->tid ? best->tid != 0 : best->tid && p->age < best->age)
			best = p;
	}
	return best;
}

static void remember(struct reissue *list, const struct reissue_entry *entry)
{
	struct reissue_entry *p;

	pthread_mutex_lock(&list->lock);
	p = choose(list, entry->tid);
	if (!p->tid)
		atomic_fetch_add(&list->n, 1);
	rewrite_free(p->passing);
	*p = *entry;
	p->age = ++list->clock;
	pthread_mutex_unlock(&list->lock);
}

static bool matches(const struct reissue_entry *p, const struct call *call)
{
	return p->tid == call->tid && p->nr == call->nr &&
	       p->abi == call->abi && (p->attended || p->ip == call->ip) &&
	       !memcmp(p->arg, call->arg, sizeof(p->arg));
}

static void take_out(struct reissue *list, struct reissue_entry *p)
{
	p->tid = 0;
	rewrite_free(p->passing);
	p->passing = NULL;
	atomic_fetch_sub(&list->n, 1);
}

/*
 * A call that nobody attended to is remembered until its thread is visited
 * again. Those of dead threads must not stay: look at one of them each time.
 */
static void forget_dead(struct reissue *list)
{
	struct reissue_entry *p = &list->entry[++list->clock % REISSUE_MAX];

	if (p->tid && !p->attended && kill(p->tid, 0) && errno == ESRCH)
		take_out(list, p);
}

/* Take this thread's entry out. Return: false when it has none */
static bool recall(struct reissue *list, pid_t tid)
{
	struct reissue_entry *p;
	bool found = false;

	pthread_mutex_lock(&list->lock);
	for (p = list->entry; p < list->entry + REISSUE_MAX && !found; p++) {
		found = p->tid == tid;
		if (found)
			take_out(list, p);
	}
	pthread_mutex_unlock(&list->lock);
	return found;
}

/* The entry of this call. What is not attended to may come once more. */
static bool recognize(struct reissue *list, const struct call *call,
		      struct reissue_entry *out)
{
	struct reissue_entry *p;
	bool found = false;

	pthread_mutex_lock(&list->lock);
	forget_dead(list);
	for (p = list->entry; p < list->entry + REISSUE_MAX && !found; p++) {
		found = matches(p, call);
		if (!found)
			continue;
		*out = *p;
		p->received = true;
		if (p->attended)
			take_out(list, p);
	}
	pthread_mutex_unlock(&list->lock);
	return found;
}

/*
 * Has this thread executed a program in passing? This is the first call of
 * that, or a later one of the old program: the kernel has refused.
 */
static void name_executed(struct reissue *list, const struct call *call)
{
	struct rewrite *passing = NULL;
	struct reissue_entry *p;

	pthread_mutex_lock(&list->lock);
	for (p = list->entry; p < list->entry + REISSUE_MAX && !passing; p++) {
		if (p->tid != call->tid || !p->passing || !p->received)
			continue;
		passing = p->passing;
		p->passing = NULL;
		take_out(list, p);
	}
	pthread_mutex_unlock(&list->lock);
	if (passing)
		title_late(call, passing);
	rewrite_free(passing);
}

/*
 * Another call, from deeper in the stack or less deep, may have the same
 * arguments: the block's place is nobody's once the call is over.
 */
static bool made_elsewhere(const struct reissue_entry *entry)
{
	bool told = entry->attended || entry->passing;
	uint64_t sp = told ? 0 : proc_stack_pointer(entry->tid);

	return sp && sp != entry->sp;
}

/*
 * A thread that has left the call again (-ENOENT; possible only without
 * WAIT_KILLABLE_RECV) will make it once more: with the old arguments if it
 * is attended, else with the new ones.
 */
enum reissued reissue_take(struct call *call)
{
	struct reissue *list = &call->engine->reissue;
	struct reissue_entry entry;

	if (!atomic_load(&list->n))
		return REISSUED_NO;
	if (!recognize(list, call, &entry)) {
		name_executed(list, call);
		return REISSUED_NO;
	}
	if (made_elsewhere(&entry))
		return REISSUED_NO;
	if (!entry.attended &&
	    (entry.received || !seal_intact(&entry.seal, call))) {
		call->nr = entry.old_nr;
		memcpy(call->arg, entry.old_arg, sizeof(call->arg));
		return REISSUED_UNDONE;
	}
	notif_send(call, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
	return REISSUED_ANSWERED;
}

/* ---- the visit ------------------------------------------------------ */

static bool is_compat(const struct visit *v)
{
	return v->call->abi == ABI_COMPAT;
}

static bool can_rerun(const struct visit *v)
{
	const struct call anyhow = { .tid = v->t.tid };
	uint8_t insn[ARCH_INSN_SIZE];

	if (guest_read(&anyhow, arch_ip(&v->old) - sizeof(insn), insn,
		       sizeof(insn)))
		return false;
	return arch_is_entry(insn, is_compat(v));
}

/* The new call, as it is told from others. */
static struct reissue_entry describe(struct visit *v)
{
	const uint64_t *arg;
	struct reissue_entry entry = {
		.tid = v->t.tid, .abi = v->call->abi,
		.nr = rewrite_final(v->rw, &arg),
		.ip = v->call->ip, .sp = arch_sp(&v->old),
		.old_nr = v->call->nr,
	};

	memcpy(entry.arg, arg, sizeof(entry.arg));
	memcpy(entry.old_arg, v->call->arg, sizeof(entry.old_arg));
	return entry;
}

/* The call is as good as made: the thread will come to it by itself. */
static void pass(struct visit *v)
{
	struct reissue_entry entry = describe(v);

	rewrite_seal(v->rw, &entry.seal);
	entry.passing = v->rw;
	v->rw = NULL;
	arch_set_call(&v->t.regs, false, entry.nr, entry.arg);
	remember(&v->call->engine->reissue, &entry);
}

/* Return: 0, or the error that the thread gets. */
static int turn_back(struct visit *v)
{
	if (!can_rerun(v))
		return -ENOSYS;
	if (rewrite_place(v->rw, arch_sp(&v->old)) ||
	    rewrite_write(v->rw, v->call))
		return -ENOMEM;
	if (v->passing)
		pass(v);
	arch_rerun(&v->t.regs, v->call->nr);
	return arch_set_regs(v->t.tid, &v->t.regs) ? -ENOMEM : 0;
}

/* May this receiver wait for the end of the call? Count it among those. */
static bool attend(struct visit *v)
{
	struct reissue *list = &v->call->engine->reissue;
	const char *program;

	if (rewrite_executes(v->rw, &program)) {
		if (!program)
			return false;
		v->t.leader = proc_tgid(v->t.tid);
	}
	if (atomic_fetch_add(&list->nattended, 1) < ATTENDED_MAX &&
	    engine_may_wait(v->call))
		return true;
	atomic_fetch_sub(&list->nattended, 1);
	return false;
}

static void at_exit(struct visit *v)
{
	const char *program = NULL;

	if (rewrite_executes(v->rw, &program) &&
	    !arch_result(&v->t.regs, false)) {
		tracee_title(&v->t, program, v->call->engine->filters);
		return;
	}
	arch_restore_call(&v->t.regs, is_compat(v), &v->old);
	arch_set_regs(v->t.tid, &v->t.regs);
}

/* The new call, at its entry. */
static int put_call(struct visit *v, struct reissue_entry *entry)
{
	*entry = describe(v);
	arch_set_call(&v->t.regs, is_compat(v), entry->nr, entry->arg);
	return arch_set_regs(v->t.tid, &v->t.regs);
}

/*
 * Nobody will attend to it. One that has become the guest's own again is
 * dispatched when it comes: to know it by its arguments would be to know
 * every call that the guest makes with them.
 */
static void leave_alone(struct visit *v, struct reissue_entry *entry)
{
	struct reissue *list = &v->call->engine->reissue;

	if (entry->nr == entry->old_nr &&
	    !memcmp(entry->arg, entry->old_arg, sizeof(entry->arg))) {
		recall(list, entry->tid);
		return;
	}
	rewrite_seal(v->rw, &entry->seal);
	remember(list, entry);
}

/* Wait for its end. @received: out: it has come to a receiver */
static enum stop see_through(struct visit *v, struct reissue_entry *entry,
			     bool *received)
{
	struct reissue *list = &v->call->engine->reissue;
	enum stop stop;

	entry->attended = true;
	remember(list, entry);
	stop = tracee_step(&v->t);
	*received = !recall(list, v->call->tid);
	return stop;
}

/* At the end of a call that a signal kept from being received. */
static enum stop again(struct visit *v)
{
	struct reissue_entry entry;
	const char *program;
	enum stop stop;
	bool received;

	arch_restore_call(&v->t.regs, is_compat(v), &v->old);
	arch_rerun(&v->t.regs, v->call->nr);
	if (arch_set_regs(v->t.tid, &v->t.regs))
		return STOP_JOB;	/* killed; leaving will see it off */
	tracee_shield(&v->t);
	stop = tracee_step(&v->t);
	if (stop != STOP_ENTRY)
		return stop == STOP_EXIT ? STOP_JOB : stop;
	if (put_call(v, &entry))
		return STOP_JOB;
	v->t.impatient = !rewrite_executes(v->rw, &program);
	return see_through(v, &entry, &received);
}

/* Return: false when the thread is dead. */
static bool at_entry(struct visit *v)
{
	struct reissue *list = &v->call->engine->reissue;
	struct reissue_entry entry;
	enum stop stop;
	bool received;

	tracee_unshield(&v->t);
	if (put_call(v, &entry))
		return true;		/* killed; leaving will see it off */
	if (!attend(v)) {
		leave_alone(v, &entry);
		return true;
	}
	stop = see_through(v, &entry, &received);
	if (stop == STOP_EXIT && !received &&
	    arch_result(&v->t.regs, is_compat(v)) == -ERESTARTSYS)
		stop = again(v);
	atomic_fetch_sub(&list->nattended, 1);
	if (stop == STOP_EXIT)
		at_exit(v);
	return stop != STOP_DEAD;
}

/*
 * The thread is stopped, on its way out of the call: with our answer, or
 * interrupted. Any other registers mean that it is elsewhere, and will
 * make the call afresh: then it is left alone.
 * Return: false when it is dead
 */
static bool rearrange(struct visit *v, enum stop stop)
{
	int result;

	v->old = v->t.regs;
	result = arch_result(&v->old, is_compat(v));
	if (arch_ip(&v->old) != v->call->ip ||
	    (result != ANSWER && result != -ERESTARTSYS))
		return true;
	/* differs from what an undone call has; int 0x80 in 64 bits has wider ones */
	if (!is_compat(v) || arch_is_compat(&v->old))
		arch_set_call(&v->old, is_compat(v), v->call->nr, v->call->arg);
	/* not when that has been tried before */
	v->passing = stop == STOP_TRAP && rewrite_passing(v->rw) &&
		     !recall(&v->call->engine->reissue, v->t.tid);
	result = turn_back(v);
	if (result) {
		arch_set_result(&v->old, result);
		arch_set_regs(v->t.tid, &v->old);
		return true;
	}
	/* Job control, or a signal dequeued just when it was seized. */
	if (v->passing || stop != STOP_TRAP)
		return true;
	tracee_shield(&v->t);
	stop = tracee_step(&v->t);
	return stop == STOP_ENTRY ? at_entry(v) : stop != STOP_DEAD;
}

int visit(const struct call *call, struct rewrite *rw)
{
	struct visit v = { .call = call, .rw = rw };
	enum stop stop;
	int r = rw ? tracee_seize(&v.t, call->tid) : -ENOMEM;

	if (!r) {
		notif_send(call, ANSWER, 0);
		stop = tracee_wait(&v.t);
		if (stop != STOP_DEAD && rearrange(&v, stop))
			tracee_leave(&v.t);
	}
	rewrite_free(v.rw);
	return r;
}
