/* SPDX-License-Identifier: GPL-2.0-or-later */
/* statx tells the mount a file is on, by number. */
#include "test/lib.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000
#endif

int main(void)
{
	struct statx root, proc, again;

	expect(statx(AT_FDCWD, "/", 0, STATX_MNT_ID, &root) == 0);
	if (!(root.stx_mask & STATX_MNT_ID))
		skip("this kernel's statx has no STATX_MNT_ID");
	expect(statx(AT_FDCWD, "/proc", 0, STATX_MNT_ID, &proc) == 0);
	expect(statx(AT_FDCWD, "/proc/self", 0, STATX_MNT_ID, &again) == 0);
	expect(proc.stx_mask & again.stx_mask & STATX_MNT_ID);
	expect(root.stx_mnt_id != proc.stx_mnt_id);
	expect(proc.stx_mnt_id == again.stx_mnt_id);
	return 0;
}
