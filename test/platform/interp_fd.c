/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program whose PT_INTERP is /proc/self/fd/N runs from a memfd: the kernel
 * opens its interpreter before it closes close-on-exec descriptors.
 */
#include <elf.h>
#include <sys/mman.h>
#include "test/lib.h"

/* Copy a program into a memfd, with another interpreter. */
static int patched_copy(const char *path, const char *interp)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = memfd_create("copy", MFD_CLOEXEC);
	struct stat st;
	Elf64_Ehdr *eh;
	Elf64_Phdr *ph;
	char *image;

	expect(from >= 0 && to >= 0 && fstat(from, &st) == 0);
	image = malloc(st.st_size);
	expect(image && read(from, image, st.st_size) == st.st_size);
	eh = (Elf64_Ehdr *)image;
	ph = (Elf64_Phdr *)(image + eh->e_phoff);
	while (ph->p_type != PT_INTERP)
		ph++;
	expect(strlen(interp) < ph->p_filesz);
	memset(image + ph->p_offset, 0, ph->p_filesz);
	strcpy(image + ph->p_offset, interp);
	/* The kernel wants the NUL to be the last byte of the segment. */
	ph->p_filesz = ph->p_memsz = strlen(interp) + 1;
	expect(write(to, image, st.st_size) == st.st_size);
	free(image);
	return to;
}

int main(void)
{
	char name[64];
	int ld, program;
	pid_t pid;

	ld = open("/lib64/ld-linux-x86-64.so.2", O_RDONLY | O_CLOEXEC);
	if (ld < 0)
		skip("no /lib64/ld-linux-x86-64.so.2");
	snprintf(name, sizeof(name), "/proc/self/fd/%d", ld);
	program = patched_copy("/bin/echo", name);
	pid = fork();
	if (!pid) {
		char *argv[] = { "echo", "started by a descriptor", NULL };

		syscall(SYS_execveat, program, "", argv, environ,
			AT_EMPTY_PATH);
		_exit(99);
	}
	expect(wait_for(pid) == 0);
	return 0;
}
