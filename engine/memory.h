/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_MEMORY_H
#define ENGINE_MEMORY_H

#include "engine/call.h"

/*
 * The one place that reads and writes a guest's memory. Every function
 * returns -EFAULT when the guest's address is bad, -EPERM when the guest's
 * memory is closed to us (answer such a call natively), -ESRCH when the
 * guest is gone. Nothing here ever ends the monitor.
 */
int guest_read(const struct call *call, uint64_t addr, void *buf, size_t len);
int guest_write(const struct call *call, uint64_t addr, const void *buf, size_t len);

/*
 * Copy a string, once.
 * Return: its length without the NUL; -ENAMETOOLONG when no NUL stands in
 * the first size bytes; or the errors above
 */
ssize_t guest_read_string(const struct call *call, uint64_t addr,
			  char *buf, size_t size);

/*
 * Choose the way in by trying: process_vm_readv, else /proc/PID/mem.
 * Called once at start-up with the pid of a child.
 * Return: 0, or -errno when neither works
 */
int guest_memory_probe(pid_t pid);

#endif
