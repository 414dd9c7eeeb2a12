/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_PROCFD_H
#define LIB_PROCFD_H

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * What the descriptors of a process lead to, by /proc/PID/fd: for one who may
 * look at the process (ptrace), whoever he acts as on files. Return: as the
 * calls that they are named for, with errno.
 */
int procfd_open(pid_t pid, int fd);	/* O_PATH, close-on-exec */
int procfd_stat(pid_t pid, int fd, struct stat *st);
ssize_t procfd_readlink(pid_t pid, int fd, char *buf, size_t size);
DIR *procfd_opendir(pid_t pid);

#endif
