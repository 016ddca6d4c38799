package chunker

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(seed)}).Read(b)
	return b
}

// cuts returns the pieces' lengths, feeding data in bites of at most bite bytes.
func cuts(c *Chunker, data []byte, bite func() int) []int {
	var lengths []int
	length := 0
	for len(data) > 0 {
		n, cut := c.Next(data[:min(bite(), len(data))])
		data = data[n:]
		length += n
		if cut {
			lengths, length = append(lengths, length), 0
		}
	}
	if length > 0 {
		lengths = append(lengths, length)
	}
	return lengths
}

// The number of irreducible polynomials over GF(2) by degree is the sequence A001037 of the OEIS.
func TestIrreducibleCounts(t *testing.T) {
	want := []int{2, 1, 2, 3, 6, 9, 18, 30, 56, 99, 186, 335}
	for i, n := range want {
		degree := i + 1
		count := 0
		for p := Polynomial(1) << degree; p < 1<<(degree+1); p++ {
			if p.Irreducible() {
				count++
			}
		}
		if count != n {
			t.Errorf("degree %d: %d irreducible polynomials, want %d", degree, count, n)
		}
	}
}

func TestRandomPolynomial(t *testing.T) {
	a, err := RandomPolynomial()
	if err != nil {
		t.Fatal(err)
	}
	b, err := RandomPolynomial()
	if err != nil {
		t.Fatal(err)
	}
	if a == b || a.Degree() != 53 || !a.Irreducible() {
		t.Errorf("polynomials %v (degree %d) and %v", a, a.Degree(), b)
	}
	var c Polynomial
	text, _ := a.MarshalText()
	if err := c.UnmarshalText(text); err != nil || c != a {
		t.Errorf("%s read back as %v: %v", text, c, err)
	}
	if err := c.UnmarshalText([]byte("x")); err == nil {
		t.Error("no error for a polynomial that isn't hexadecimal")
	}
}

func TestCutsDontDependOnBites(t *testing.T) {
	p, err := RandomPolynomial()
	if err != nil {
		t.Fatal(err)
	}
	data := append(randomBytes(1, 20<<20), make([]byte, 20<<20)...)
	want := cuts(New(p), data, func() int { return len(data) })
	for i, n := range want {
		if n > MaxSize || n < MinSize && i < len(want)-1 {
			t.Errorf("piece %d has %d bytes", i, n)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	got := cuts(New(p), data, func() int { return 1 + rng.IntN(100_000) })
	if !slices.Equal(got, want) {
		t.Errorf("cuts %v, want %v", got, want)
	}

	// Something inserted in front moves the first cuts only.
	shifted := cuts(New(p), append(randomBytes(2, 1000), data...), func() int { return len(data) })
	if tail := len(want) - 4; !slices.Equal(shifted[len(shifted)-tail:], want[4:]) {
		t.Errorf("cuts %v after an insertion, were %v", shifted, want)
	}
}

func TestUnusablePolynomial(t *testing.T) {
	for _, p := range []Polynomial{0, 1, 1 << 8, 1<<64 - 1} {
		data := make([]byte, 2*MaxSize+1)
		if got := cuts(New(p), data, func() int { return 1 << 20 }); !slices.Equal(got, []int{MaxSize, MaxSize, 1}) {
			t.Errorf("polynomial %v: cuts %v", p, got)
		}
	}
}

func BenchmarkChunker(b *testing.B) {
	p, err := RandomPolynomial()
	if err != nil {
		b.Fatal(err)
	}
	data := randomBytes(1, 32<<20)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		cuts(New(p), data, func() int { return len(data) })
	}
}
