// Applies compact relative relocations (DT_RELR) to loaded libraries. musl applies them since version 1.2.4, and Debian 12
// has 1.2.3. Preloaded, this constructor runs before those of the other libraries.
#define _GNU_SOURCE
#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <sys/mman.h>

#ifndef DT_RELR
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

enum { PAGE = 4096, BITS = 8 * sizeof(size_t) - 1 };

static int relocate(struct dl_phdr_info *info, size_t size, void *data) {
  size_t base = info->dlpi_addr, *entry = NULL, *place = NULL, left = 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
    size_t address = base + segment->p_vaddr;
    if (segment->p_type == PT_GNU_RELRO) { // already read-only
      size_t start = address & -PAGE;
      mprotect((void *)start, address + segment->p_memsz - start, PROT_READ | PROT_WRITE);
    }
    if (segment->p_type != PT_DYNAMIC) continue;
    for (ElfW(Dyn) *item = (void *)address; item->d_tag; item++) {
      if (item->d_tag == DT_RELR) entry = (size_t *)(base + item->d_un.d_ptr);
      if (item->d_tag == DT_RELRSZ) left = item->d_un.d_val;
    }
  }
  for (; left; entry++, left -= sizeof *entry) {
    if (!(*entry & 1)) { // an address
      place = (size_t *)(base + *entry);
      *place++ += base;
      continue;
    }
    for (int bit = 0; bit < BITS; bit++) // one bit for each of the next words
      if (*entry >> (bit + 1) & 1) place[bit] += base;
    place += BITS;
  }
  return 0;
}

__attribute__((constructor)) static void start(void) { dl_iterate_phdr(relocate, NULL); }
