/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sys/elf.c: the input is a file that somebody executes.
 *
 * What must hold: an interpreter that is found stands in the file, as the
 * header says; the copy that asks for another one does just that, and is
 * the same file otherwise.
 */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "sys/elf.h"

const char fuzz_name[] = "elf";

static const char other[] = "/proc/self/fd/123";

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static size_t header_size(const struct elf_interp *interp)
{
	return interp->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
}

/* Is the copy what the original was, but for the header and the new name? */
static void check_copy(int copy, const struct elf_interp *interp,
		       const uint8_t *data, size_t size)
{
	struct elf_interp again;
	uint8_t *got = malloc(size + sizeof(other));
	size_t end = interp->header + header_size(interp);
	struct stat st;

	fuzz_check(got && !fstat(copy, &st), "fstat");
	fuzz_check((size_t)st.st_size == size + sizeof(other), "size %jd",
		   (intmax_t)st.st_size);
	fuzz_check(pread(copy, got, st.st_size, 0) == st.st_size, "pread");
	fuzz_check(!memcmp(got, data, interp->header), "the head");
	fuzz_check(!memcmp(got + end, data + end, size - end), "the tail");
	fuzz_check(!memcmp(got + size, other, sizeof(other)), "the name");
	free(got);
	/* a program header may lie over the file's: then it is broken now */
	if (interp->header < sizeof(Elf64_Ehdr))
		return;
	fuzz_check(elf_find_interp(copy, &again) == 1, "lost");
	fuzz_check(again.header == interp->header &&
		   !strcmp(again.path, other), "%s", again.path);
}

static void check_found(int fd, const struct elf_interp *interp,
			const uint8_t *data, size_t size)
{
	size_t len = strlen(interp->path) + 1;
	int copy;

	fuzz_check(interp->header <= size &&
		   header_size(interp) <= size - interp->header, "%llu of %zu",
		   (unsigned long long)interp->header, size);
	fuzz_check(len <= sizeof(interp->path) &&
		   memmem(data, size, interp->path, len), "%s", interp->path);
	copy = elf_with_interp(fd, interp, "copy", other);
	fuzz_check(copy >= 0, "%d", copy);
	check_copy(copy, interp, data, size);
	close(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("input", MFD_CLOEXEC), found;
	struct elf_interp interp;

	fuzz_check(fd >= 0 && write(fd, data, size) == (ssize_t)size, "memfd");
	found = elf_find_interp(fd, &interp);
	fuzz_check(found <= 1, "%d", found);
	if (found == 1)
		check_found(fd, &interp, data, size);
	close(fd);
	return 0;
}
