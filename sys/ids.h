/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_IDS_H
#define SYS_IDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "engine/call.h"
#include "include/vu/module.h"

struct guest;
struct module;
struct place;
struct request;
struct sys;

/*
 * Virtual ids: who a guest is by its own account, where that is not what the
 * kernel says. The monitor acts on real files as the kernel's ids allow
 * (creds.h), whatever these are.
 */
enum id_kind { ID_REAL, ID_EFFECTIVE, ID_SAVED, ID_FILES, ID_KINDS };

/* Capability sets, one bit for each CAP_. */
struct ids_caps {
	uint64_t permitted, effective, inheritable, bounding, ambient;
	unsigned securebits;
};

/* Supplementary groups, sorted: constant, shared and counted. */
struct ids_groups {
	atomic_uint refs;
	size_t n;
	gid_t group[];
};

/* Constant and shared once a guest has them: a change makes new ones. */
struct ids {
	atomic_uint refs;
	struct module *by;	/* has them kept: module_keeping() */
	bool users;		/* false: the capabilities alone are virtual */
	uid_t uid[ID_KINDS];
	gid_t gid[ID_KINDS];
	struct ids_caps caps;
	struct ids_groups *groups;
	bool dropped;		/* counted as such: ids_dropped() */
};

/* --- lifetime --- */

/* Takes over the state of by. NULL: no memory (it is put) */
struct ids *ids_new(struct module *by);
struct ids *ids_copy(const struct ids *from);
struct ids *ids_get(struct ids *ids);	/* NULL stays NULL */
void ids_put(struct ids *ids);
bool ids_equal(const struct ids *a, const struct ids *b);

/*
 * Are they those of somebody who may do less than the kernel lets his process
 * do? Where a module says who may do what, it is asked by such a guest for
 * everything, also for what it does not change.
 */
bool ids_dropped(struct request *rq);

/* n of them, to be filled in; NULL: no memory */
struct ids_groups *ids_groups_new(size_t n);
/* They become those of a copy, which takes them over and sorts them. */
void ids_take_groups(struct ids *to, struct ids_groups *groups);

/*
 * The ids that the kernel says the calling thread has, in the care of a
 * module that keeps such. 0, -ENOENT: none does, or -errno
 */
int ids_begin(struct request *rq, enum vu_keep what, struct ids **made);
/* Is there one, and a monitor that lets them begin? */
bool ids_may_begin(const struct sys *s, enum vu_keep what);

/* --- whose are they? --- */

/*
 * The virtual ids of the calling thread, good as long as the request; NULL:
 * it has none, what the kernel says holds.
 */
const struct ids *ids_of(struct request *rq);
/* The same, if user and group ids are among them. */
const struct ids *ids_of_user(struct request *rq);
/* Of any thread, with a reference, or NULL: none, or no guest. */
struct ids *ids_of_thread(struct request *rq, pid_t tid);

/* Are the capabilities in ids to be told? (A module has to say so.) */
bool ids_tell_caps(const struct ids *ids);

/*
 * Would the kernel let the caller, being who it says it is? Without virtual
 * ids: always, it is a matter between caller and kernel.
 */
bool ids_allow(struct request *rq, int cap);

/*
 * Change the caller's: rule is given a copy and says the call's result;
 * unless that is an error the copy holds from then on, for the calling
 * thread. Without any yet: made begins them (NULL: -ENOENT).
 */
typedef long ids_rule(struct ids *to, void *arg);
typedef int ids_maker(struct request *rq, struct ids **made);
long ids_change(struct request *rq, ids_maker *made, ids_rule *rule, void *arg);

/*
 * The calling thread executes: the others end, and its ids are the process's.
 * 0 or -errno
 */
int ids_alone(struct request *rq);

/* --- the kernel's rules (ids_rules.c): 0, a result, or -errno --- */

bool ids_able(const struct ids *ids, int cap);
uint64_t caps_all(void);

/* Is it a supplementary group, or the own one of this kind? */
bool ids_in_group(const struct ids *ids, enum id_kind kind, gid_t gid);

/* of user ids, the capabilities follow; of group ids */
int ids_set(struct ids *to, bool group, uid_t id);
int ids_set_re(struct ids *to, bool group, uid_t r, uid_t e);
int ids_set_res(struct ids *to, bool group, const uid_t id[3]);
long ids_set_fs(struct ids *to, bool group, uid_t id);
/* Those for access to files; access(2) has its own for the real ids. */
uint64_t ids_access_caps(const struct ids *ids, bool as_real);
/* PR_... with its arguments 2 to 5; -ENOSYS: not about capabilities */
long ids_prctl(struct ids *to, int option, const uint64_t arg[4]);
int ids_capset(struct ids *to, const struct ids_caps *want);

/* What is said of a program that is executed. */
struct ids_program {
	mode_t mode;		/* set-id bits, 0: none count */
	uid_t uid;
	gid_t gid;
	bool has_caps, effective;	/* capabilities of the file */
	uint64_t permitted, inheritable;
};
int ids_exec(struct ids *to, const struct ids_program *p);

/* --- for others --- */

/*
 * The caller is about to execute the program: its ids become those that it
 * will have. 0, or why it may not: -errno
 */
int ids_execute(struct request *rq, const struct place *program);

/* Copy what is in /proc/PID/status, with the ids that its thread has. */
void ids_tell_status(struct request *rq, const char *name, FILE *in, FILE *out);

/*
 * What is called so belongs to a process: tell that it belongs to whom this
 * says it is. Changed?
 */
bool ids_tell_owner(struct request *rq, const char *name, struct stat *st);

#endif
