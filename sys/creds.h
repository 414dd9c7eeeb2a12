/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_CREDS_H
#define SYS_CREDS_H

#include "sys/request.h"

/*
 * The ids of a thread, at most a moment old: a call that changes them, or
 * the umask, makes the next look a fresh one (creds_changed()). 0 or -errno
 */
int creds_read(struct sys *s, pid_t tid, struct task_ids *ids);
void creds_changed(struct sys *s);
/*
 * The caller executes something; gains: its owner, group or capabilities may
 * become the caller's.
 */
void creds_executes(struct request *rq, bool gains);

/*
 * Act on files as the caller would: file-system ids, groups and the
 * capabilities that matter to files. Only a privileged monitor has
 * anything to change; for others their own identity is the caller's.
 * Return: 0 or -errno (then nothing was changed)
 */
int creds_assume(struct request *rq);
/*
 * After creds_assume(): with the real ids instead, as access(2) asks. A real
 * root has all capabilities then, anybody else none.
 */
int creds_assume_real(struct request *rq);
/* Without, and again with, the monitor's own right to look at processes. */
void creds_lower(const struct request *rq);
void creds_raise(const struct request *rq);
/*
 * May the caller change what all guests of a privileged monitor see? Those
 * of an ordinary user's monitor may: it gives them nothing they have not.
 * Return: 0, -EPERM, or -errno
 */
int creds_may(struct request *rq, int cap);
/*
 * The caller's capabilities on files, by what the kernel says of it; as_real:
 * those that access(2) gives it. To be asked after request_ids().
 */
unsigned long long creds_caps(const struct request *rq, bool as_real);
/* Back to the monitor's own. */
void creds_resume(struct request *rq);

#endif
