package ndr

// Aggregate is a structure, array or union that may hold pointers: their referents follow after its end, or after that of
// the outermost one it is part of, each followed by those it leads to itself ([C706] 14.3.12.3).
//
// A reference pointer that is a parameter has no form of its own: walk what it points to. One within an aggregate is a
// [Coder.Pointer] that is never null.
func (c *Coder) Aggregate(body func()) {
	c.inside++
	body()
	c.inside--
	if c.inside > 0 {
		return
	}
	list := c.deferred
	c.deferred = nil
	for _, referent := range list {
		if c.err != nil {
			return
		}
		referent()
	}
}

// Pointer is a unique pointer: has says, when encoding, whether it isn't null; the result says it in both directions. body
// walks the referent, now or, within an aggregate, later.
func (c *Coder) Pointer(has bool, body func()) bool {
	id := c.referentID(has)
	if id == 0 {
		return false
	}
	c.refer(body)
	return true
}

// referentID walks the number that a pointer is, 0 for null.
func (c *Coder) referentID(has bool) uint32 {
	var id uint32
	if has && c.enc {
		id = c.number()
	}
	c.U32(&id)
	if c.normal != nil && c.err == nil && id != 0 {
		n, ok := c.numbers[id]
		if !ok {
			n = c.number()
		}
		NewEncoder(c.normal[:c.off-4]).U32(&n)
	}
	if c.err != nil {
		return 0
	}
	return id
}

func (c *Coder) number() uint32 {
	n := c.referent
	c.referent += referentStep
	return n
}

func (c *Coder) refer(body func()) {
	depth := c.depth + 1
	if depth > maxDepth {
		c.Fail("pointers lead deeper than %d", maxDepth)
		return
	}
	name := c.name
	referent := func() {
		oldDepth, oldName := c.depth, c.name
		c.depth, c.name = depth, name
		body()
		c.depth, c.name = oldDepth, oldName
	}
	if c.inside > 0 {
		c.deferred = append(c.deferred, referent)
		return
	}
	referent()
}

// Unique is a unique pointer to what f walks.
func Unique[T any](c *Coder, p **T, f func(*Coder, *T)) {
	id := c.referentID(*p != nil)
	if id == 0 {
		if !c.enc {
			*p = nil
		}
		return
	}
	if !c.enc {
		*p = new(T)
	}
	v := *p
	c.refer(func() { f(c, v) })
}

// Full is a full pointer: several may have the same referent, which is there once.
func Full[T any](c *Coder, p **T, f func(*Coder, *T)) {
	if c.enc && *p != nil {
		if id, ok := c.full[*p]; ok {
			c.U32(&id)
			return
		}
		if c.full == nil {
			c.full = map[any]uint32{}
		}
		c.full[*p] = c.referent
	}
	id := c.referentID(*p != nil)
	if id == 0 {
		if !c.enc {
			*p = nil
		}
		return
	}
	if !c.enc {
		if old, ok := c.aliases[id]; ok {
			v, ok := old.(*T)
			if !ok {
				c.Fail("referent 0x%x of two types", id)
			}
			*p = v
			return
		}
		if c.aliases == nil {
			c.aliases = map[uint32]any{}
		}
		*p = new(T)
		c.aliases[id] = *p
		if c.normal != nil {
			if c.numbers == nil {
				c.numbers = map[uint32]uint32{}
			}
			c.numbers[id] = c.referent - referentStep
		}
	}
	v := *p
	c.refer(func() { f(c, v) })
}
