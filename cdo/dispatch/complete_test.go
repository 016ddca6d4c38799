package dispatch

import (
	"fmt"
	"testing"

	"github.com/opencdo/opencdo/cdo/model"
)

// Every object and every member of the description can be called, and assigned where it can be.
func TestModelIsComplete(t *testing.T) {
	classes := map[string]*Class{}
	for _, c := range Classes {
		classes[c.Name] = c
	}
	objects, members, whole, done := model.Objects(), 0, 0, 0
	for _, o := range objects {
		c := classes[o.Name]
		missing := 0
		for _, m := range o.Members {
			members++
			var have *Member
			if c != nil {
				have = c.ids[m.ID]
			}
			if have == nil || have.Name != m.Name || !have.Readable() || (m.Kind == model.ReadWrite) != have.Writable() || have.Method != (m.Kind == model.Method) {
				t.Errorf("%s.%s (%v) isn't there", o.Name, m.Name, m.Kind)
				missing++
				continue
			}
			done++
		}
		switch {
		case c == nil:
			t.Errorf("there is no %s", o.Name)
		case missing == 0:
			whole++
		}
		if o.Default != "" && (c == nil || c.Default == nil || c.Default.Name != o.Default) {
			t.Errorf("%s has no default member %s", o.Name, o.Default)
		}
	}
	fmt.Printf("%d of %d objects\n%d of %d members\n", whole, len(objects), done, members)
}
