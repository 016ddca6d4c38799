package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress shows on one line how far a command is: counts, bytes, rate and the time that is left. On a terminal the line is
// written over; elsewhere it is printed now and then.
type progress struct {
	mu      sync.Mutex
	w       io.Writer
	tty     bool
	quiet   bool
	shown   bool
	last    time.Time
	started time.Time
}

const (
	everyTTY   = 200 * time.Millisecond
	everyPlain = 10 * time.Second
)

func newProgress(w io.Writer, quiet bool) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, tty: ok && term.IsTerminal(int(f.Fd())), quiet: quiet, started: time.Now()}
}

// show is called as often as there is something new. total may be 0 where it isn't known.
func (p *progress) show(what string, done, total int, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	every := everyPlain
	if p.tty {
		every = everyTTY
	}
	now := time.Now()
	if p.quiet || now.Sub(p.last) < every {
		return
	}
	if !p.tty && p.last.IsZero() { // short commands elsewhere than on a terminal print none
		p.last = now
		return
	}
	p.last = now
	elapsed := now.Sub(p.started).Seconds()
	line := fmt.Sprintf("%d", done)
	if total > 0 {
		line += fmt.Sprintf(" of %d", total)
	}
	line += " items"
	if bytes > 0 {
		line += fmt.Sprintf(", %s, %s/s", size(bytes), size(int64(float64(bytes)/elapsed)))
	}
	if total > done && done > 0 {
		left := time.Duration(elapsed / float64(done) * float64(total-done) * float64(time.Second))
		line += fmt.Sprintf(", %v left", left.Round(time.Second))
	}
	if what != "" {
		line += "  " + what
	}
	if p.tty {
		width, _, err := term.GetSize(int(p.w.(*os.File).Fd()))
		if r := []rune(line); err == nil && len(r) >= width {
			line = string(r[:max(width-1, 0)])
		}
		fmt.Fprintf(p.w, "\r\x1b[K%s", line)
		p.shown = true
		return
	}
	fmt.Fprintln(p.w, line)
}

// done takes the line away.
func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}

// begin starts the clock of a new piece of work.
func (p *progress) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started, p.last = time.Now(), time.Time{}
}

// size is a number of bytes for people.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, i := float64(n)/1024, 0
	for f >= 1024 && i < len(units)-1 {
		f /= 1024
		i++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[i])
}
