// SHA-256 with the SHA extensions of x86-64 (Intel's manual, volume 2: SHA256RNDS2, SHA256MSG1,
// SHA256MSG2).
//
// SHA256RNDS2 does two rounds on a state kept as two registers, from the highest lane down: (A, B,
// E, F) and (C, D, G, H). The message schedule is kept as four registers of four words.
#include "sha256.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

int bonn_sha256_has_x86(void) {
    enum { LEAF1_ECX_SSSE3 = 1u << 9, LEAF1_ECX_SSE41 = 1u << 19, LEAF7_EBX_SHA = 1u << 29 };
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & LEAF1_ECX_SSSE3) || !(c & LEAF1_ECX_SSE41)) {
        return 0;
    }
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & LEAF7_EBX_SHA);
}

__attribute__((target("sha,ssse3,sse4.1"))) void
bonn_sha256_x86(uint32_t *state, const uint8_t *data, size_t blocks) {
    const __m128i big_endian = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    const __m128i dcba = _mm_loadu_si128((const __m128i *)state);
    const __m128i hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
    const __m128i badc = _mm_shuffle_epi32(dcba, 0xB1);
    const __m128i efgh = _mm_shuffle_epi32(hgfe, 0x1B);
    __m128i abef = _mm_alignr_epi8(badc, efgh, 8);
    __m128i cdgh = _mm_blend_epi16(efgh, badc, 0xF0);

    for (; blocks > 0; blocks--, data += 64) {
        const __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w[4];
        for (int i = 0; i < 4; i++) {
            const __m128i bytes = _mm_loadu_si128((const __m128i *)(data + 16 * i));
            w[i] = _mm_shuffle_epi8(bytes, big_endian);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            if (i >= 4) {
                // w[t] = sigma1(w[t - 2]) + w[t - 7] + sigma0(w[t - 15]) + w[t - 16], four at a
                // time.
                const __m128i first = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
                const __m128i seventh = _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4);
                w[i & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(first, seventh), w[(i + 3) & 3]);
            }
            const __m128i k = _mm_loadu_si128((const __m128i *)(bonn_sha256_constants + 4 * i));
            const __m128i sum = _mm_add_epi32(w[i & 3], k);
            // After two rounds the old (A, B, E, F) is the new (C, D, G, H).
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(sum, 0x0E));
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }

    const __m128i feba = _mm_shuffle_epi32(abef, 0x1B);
    const __m128i dchg = _mm_shuffle_epi32(cdgh, 0xB1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xF0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#endif
