/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vDSO's pages can be written through /proc/PID/mem; the change is seen
 * by that process only.
 */
#include <elf.h>
#include <sys/auxv.h>
#include "test/lib.h"

static void change_byte(unsigned char *where, unsigned char value)
{
	int mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);

	expect(mem >= 0);
	expect(pwrite(mem, &value, 1, (off_t)(uintptr_t)where) == 1);
	expect(*where == value);
	close(mem);
}

int main(void)
{
	unsigned char *vdso = (void *)getauxval(AT_SYSINFO_EHDR);
	unsigned char *byte;
	pid_t pid;

	if (!vdso)
		skip("this kernel gives no vDSO");
	/* Padding of the ELF header: nobody reads it. */
	byte = vdso + EI_PAD;
	pid = fork();
	if (!pid) {
		change_byte(byte, 0x5a);
		_exit(0);
	}
	expect(wait_for(pid) == 0);
	expect(*byte != 0x5a);
	return 0;
}
