package snapshot

import "slices"

// cache keeps the values used last. It isn't safe for concurrent use.
type cache[K comparable, V any] struct {
	size  int
	items map[K]V
	order []K // the one used last at the end
}

func (c *cache[K, V]) get(k K) (v V, ok bool) {
	if v, ok = c.items[k]; ok {
		c.touch(k)
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	if c.items == nil {
		c.items = map[K]V{}
	}
	if _, ok := c.items[k]; !ok && len(c.items) >= c.size {
		delete(c.items, c.order[0])
		c.order = c.order[1:]
	}
	c.items[k] = v
	c.touch(k)
}

func (c *cache[K, V]) touch(k K) {
	if i := slices.Index(c.order, k); i >= 0 {
		c.order = slices.Delete(c.order, i, i+1)
	}
	c.order = append(c.order, k)
}

func (c *cache[K, V]) clear() { c.items, c.order = nil, nil }
