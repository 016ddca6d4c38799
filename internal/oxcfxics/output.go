package oxcfxics

import "io"

// Output takes the bytes of a stream that is being written. Transfers cut it into buffers, but not anywhere
// ([MS-OXCFXICS] 2.2.4.1): that is why it is told what must stay together.
type Output interface {
	// Atom takes bytes that must lie in one buffer: a marker, or a property's definition with its fixed value or length.
	Atom(b []byte) error
	// Data takes bytes that may be cut anywhere: the inside of a counted value.
	Data(b []byte) error
}

// Plain is an Output that doesn't cut.
func Plain(w io.Writer) Output { return plain{w} }

type plain struct{ w io.Writer }

func (p plain) Atom(b []byte) error { _, err := p.w.Write(b); return err }
func (p plain) Data(b []byte) error { _, err := p.w.Write(b); return err }

// dataWriter is the io.Writer of an Output's Data.
type dataWriter struct{ Output }

func (w dataWriter) Write(b []byte) (int, error) {
	if err := w.Data(b); err != nil {
		return 0, err
	}
	return len(b), nil
}
