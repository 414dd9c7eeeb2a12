/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_PROBE_H
#define TOOLS_PROBE_H

#include <sys/types.h>

/*
 * The probes of vu doctor. Each does what the monitor would do, in a child
 * of its own, and leaves nothing behind.
 *
 * Return: 0 when it worked, else -errno; note may then or now hold what
 * there is to add ("" when nothing).
 */
struct probe_note { char text[96]; };

int probe_kernel(struct probe_note *note);
int probe_yama(struct probe_note *note);
int probe_children_file(struct probe_note *note);
int probe_runtime_directory(struct probe_note *note);
int probe_fuse_device(struct probe_note *note);
int probe_fusermount(struct probe_note *note);
int probe_memfd(struct probe_note *note);

int probe_listener(struct probe_note *note);
int probe_inject(struct probe_note *note);
int probe_killable(struct probe_note *note);
int probe_sync_wake_up(struct probe_note *note);
int probe_last_guest(struct probe_note *note);

int probe_vm_readv(struct probe_note *note);
int probe_proc_mem(struct probe_note *note);
int probe_write_code(struct probe_note *note);
int probe_ptrace(struct probe_note *note);
int probe_pidfd_getfd(struct probe_note *note);

int probe_user_namespace(struct probe_note *note);
int probe_fuse_mount(struct probe_note *note);
int probe_net_namespace(struct probe_note *note);
int probe_tap(struct probe_note *note);

void probe_say(struct probe_note *note, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Run f in a child that is killed after some seconds. f returns 0 or
 * -errno, and so does this (-ETIMEDOUT, -ECHILD when it died).
 */
int probe_in_child(int (*f)(void));

/* The same for a child that only waits, while f (here) works on it. */
int probe_on_child(int (*f)(pid_t child, struct probe_note *note),
		   struct probe_note *note);

/* Wait for a child of one of the above. Return: 0 or -errno */
int probe_reap(pid_t child);

/* Seconds after which a child is killed. */
#define PROBE_SECONDS 5

#endif
