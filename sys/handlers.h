/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_HANDLERS_H
#define SYS_HANDLERS_H

#include "sys/request.h"

/*
 * A handler answers one call, or a family of calls that differ in their
 * arguments only. When the row has names, it is called with them walked
 * (rq->found) and only if the kernel would get it wrong: see dispatch.c.
 */
typedef struct verdict handler(struct request *rq);

handler call_open, call_stat, call_statx, call_access, call_readlink;
handler call_statfs, call_truncate, call_fstat, call_fstatfs;
handler call_mkdir, call_mknod, call_unlink, call_symlink, call_link, call_rename;
handler call_chmod, call_chown, call_utime, call_fd_change, call_fd_attribute;
handler call_ioctl;
handler call_open_nameless;
handler call_setxattr, call_getxattr, call_listxattr, call_removexattr;
handler call_exec, call_chdir, call_fchdir, call_getcwd, call_chroot;
handler call_mount, call_umount, call_oldumount, call_new_mount_api;
handler call_landlock;
handler call_by_real_name, call_watch, call_bind, call_connect, call_sendto;
handler call_sendmsg, call_sendmmsg, call_socketcall, call_sockname;
handler call_getdents, call_fsync, call_sync, call_fallocate;
handler call_identity, call_prctl, call_seccomp, call_clone, call_clone3, call_setns, call_exit;
handler call_getid, call_getresid, call_getgroups, call_setid, call_setgroups;
handler call_capget, call_capset, call_getsockopt;
handler call_service, call_enter, call_become;

/* A message to a receiver that is none of the view's: it may name its sender. */
handler ids_send;
/* A prctl about virtual capabilities? Then *v is the answer. */
bool ids_answer_prctl(struct request *rq, struct verdict *v);

#endif
