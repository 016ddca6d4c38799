package mapi

// MapKeys gives a copy of r with f applied to every key: to translate names to the ids of a store and back.
func MapKeys(r Restriction, f func(Key) (Key, error)) (out Restriction, err error) {
	do := func(k *Key) {
		if err == nil {
			*k, err = f(*k)
		}
	}
	sub := func(p *Restriction) {
		if err == nil && *p != nil {
			*p, err = MapKeys(*p, f)
		}
	}
	list := func(s []Restriction) []Restriction {
		s = append([]Restriction(nil), s...)
		for i := range s {
			sub(&s[i])
		}
		return s
	}
	switch r := r.(type) {
	case ResAnd:
		out = ResAnd(list(r))
	case ResOr:
		out = ResOr(list(r))
	case ResNot:
		sub(&r.Res)
		out = r
	case ResContent:
		do(&r.Key)
		out = r
	case ResProperty:
		do(&r.Key)
		out = r
	case ResCompare:
		do(&r.A)
		do(&r.B)
		out = r
	case ResBitMask:
		do(&r.Key)
		out = r
	case ResSize:
		do(&r.Key)
		out = r
	case ResExist:
		do(&r.Key)
		out = r
	case ResSub:
		sub(&r.Res)
		out = r
	case ResComment:
		r.Props = append(Props(nil), r.Props...)
		for i := range r.Props {
			do(&r.Props[i].Key)
		}
		sub(&r.Res)
		out = r
	case ResCount:
		sub(&r.Res)
		out = r
	}
	return out, err
}
