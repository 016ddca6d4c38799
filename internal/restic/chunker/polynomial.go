package chunker

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
)

// Polynomial is a polynomial over GF(2): bit i is the coefficient of x^i. Its text form, in a
// repository's config file, is hexadecimal.
type Polynomial uint64

// degree of the polynomials that RandomPolynomial makes, as restic's.
const degree = 53

// randomTries is far more than chance needs: about one polynomial in 27 of the form tried is irreducible.
const randomTries = 1_000_000

// RandomPolynomial returns a random irreducible polynomial of degree 53.
func RandomPolynomial() (Polynomial, error) {
	var b [8]byte
	for range randomTries {
		if _, err := rand.Read(b[:]); err != nil {
			return 0, err
		}
		p := Polynomial(binary.LittleEndian.Uint64(b[:]))
		// x^53 fixes the degree; without x^0 it would be divisible by x.
		p = p&(1<<degree-1) | 1<<degree | 1
		if p.Irreducible() {
			return p, nil
		}
	}
	return 0, errors.New("chunker: found no irreducible polynomial")
}

// Degree returns the highest exponent, or -1 for the zero polynomial.
func (p Polynomial) Degree() int { return bits.Len64(uint64(p)) - 1 }

// mod returns the remainder of p divided by f, which isn't zero.
func (p Polynomial) mod(f Polynomial) Polynomial {
	for shift := p.Degree() - f.Degree(); shift >= 0; shift = p.Degree() - f.Degree() {
		p ^= f << shift
	}
	return p
}

// mulMod returns p·q mod f; p and q are already reduced and f's degree is at most 62.
func (p Polynomial) mulMod(q, f Polynomial) Polynomial {
	var product Polynomial
	for ; q != 0; q >>= 1 {
		if q&1 != 0 {
			product ^= p
		}
		if p <<= 1; p.Degree() == f.Degree() {
			p ^= f
		}
	}
	return product
}

func gcd(p, q Polynomial) Polynomial {
	for q != 0 {
		p, q = q, p.mod(q)
	}
	return p
}

// Irreducible reports whether p has no factors, by Ben-Or's test: p and x^(2^i) - x have none in
// common for i up to half p's degree.
func (p Polynomial) Irreducible() bool {
	if p.Degree() < 1 || p.Degree() > 62 {
		return false
	}
	const x = Polynomial(2)
	power := x.mod(p)
	for range p.Degree() / 2 {
		power = power.mulMod(power, p)
		if gcd(p, power^x.mod(p)) != 1 {
			return false
		}
	}
	return true
}

func (p Polynomial) String() string { return strconv.FormatUint(uint64(p), 16) }

// MarshalText writes the hexadecimal form.
func (p Polynomial) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads the hexadecimal form.
func (p *Polynomial) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, 64)
	if err != nil {
		return fmt.Errorf("chunker: polynomial: %w", err)
	}
	*p = Polynomial(n)
	return nil
}
