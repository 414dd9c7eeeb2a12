/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_CAGE_CALLS_H
#define TEST_CAGE_CALLS_H

/*
 * What Docker's default profile answers with EPERM in a container without
 * capabilities. Names an architecture does not have are skipped there.
 */
static const char *const cage_denied[] = {
	/* namespaces and mounts */
	"unshare", "setns", "mount", "umount", "umount2", "pivot_root",
	"fsopen", "fsmount", "fsconfig", "fspick", "open_tree",
	"move_mount", "mount_setattr", "open_by_handle_at",
	"name_to_handle_at", "fanotify_init", "quotactl", "quotactl_fd",
	"swapon", "swapoff", "acct", "ustat", "sysfs", "nfsservctl",
	/* other processes */
	"kcmp", "pidfd_getfd", "process_madvise", "move_pages",
	"perf_event_open", "lookup_dcookie",
	/* ways around the table of calls */
	"io_uring_setup", "io_uring_enter", "io_uring_register", "bpf",
	"userfaultfd",
	/* keys */
	"add_key", "request_key", "keyctl",
	/* the machine */
	"reboot", "syslog", "kexec_load", "kexec_file_load", "init_module",
	"finit_module", "delete_module", "create_module",
	"get_kernel_syms", "query_module", "ioperm", "iopl", "vm86",
	"vm86old", "uselib", "_sysctl", "vhangup", "sethostname",
	"setdomainname", "clock_settime", "clock_settime64", "settimeofday",
	"stime", "get_mempolicy", "set_mempolicy", "mbind",
};

#endif
