/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a view answers otherwise than the kernel, on purpose: io_uring and,
 * once the view has a module, the new mount calls are ENOSYS, whatever their
 * arguments (in the cage its own EPERM may win), and landlock is as if it were
 * switched off; View-OS's own calls exist.
 * transcript: no
 * i386: no
 */
#include "test/lib.h"

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

static bool in_cage;

static void refused(const char *name, long nr)
{
	errno = 0;
	if (syscall(nr, 0, 0, 0, 0, 0, 0) == -1 &&
	    (errno == ENOSYS || (in_cage && errno == EPERM)))
		return;
	fail("%s answers %s, not ENOSYS", name, error_name(errno));
}

int main(int argc, char **argv)
{
	const char *umvu = getenv("UMVU"), *role = getenv("ROLE");
	int fd;

	expect(umvu && role);
	if (argc == 1) {
		execl(umvu, "umvu", "-N", "-m", "vufs", "--", argv[0],
		      "inside", NULL);
		fail_errno(umvu);
	}
	in_cage = !strcmp(role, "cage");
	refused("io_uring_setup", SYS_io_uring_setup);
	refused("fsopen", SYS_fsopen);
	refused("fspick", SYS_fspick);
	refused("open_tree", SYS_open_tree);
	refused("move_mount", SYS_move_mount);
	refused("mount_setattr", SYS_mount_setattr);
	refused("statmount", SYS_statmount);
	refused("listmount", SYS_listmount);
	errno = 0;
	expect(syscall(SYS_landlock_create_ruleset, NULL, 0, 1) == -1 &&
	       (errno == EOPNOTSUPP || errno == ENOSYS));
	fd = syscall(7000);
	expect(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	return 0;
}
