package dispatch

import (
	"context"
	"iter"

	"github.com/opencdo/opencdo/cdo"
)

// Each gives the members of a collection in turn, for _NewEnum and For Each. Other objects are [NotACollection].
func Each(ctx context.Context, obj cdo.Object) (iter.Seq2[any, error], error) {
	switch o := obj.(type) {
	case *cdo.InfoStores:
		return plain(o.All()), nil
	case *cdo.AddressLists:
		return plain(o.All()), nil
	case *cdo.Folders:
		return objects(o.All(ctx)), nil
	case *cdo.Messages:
		return objects(o.All(ctx)), nil
	case *cdo.AddressEntries:
		return objects(o.All(ctx)), nil
	case *cdo.Recipients:
		return objects(o.All(ctx)), nil
	case *cdo.Attachments:
		return objects(o.All(ctx)), nil
	case *cdo.Fields:
		return objects(o.All(ctx)), nil
	}
	return nil, errorf(NotACollection, "a %T is no collection", obj)
}

func plain[T cdo.Object](seq iter.Seq[T]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for o := range seq {
			if !yield(o, nil) {
				return
			}
		}
	}
}

func objects[T interface {
	comparable
	cdo.Object
}](seq iter.Seq2[T, error]) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for o, err := range seq {
			if !yield(reach(o, err)) {
				return
			}
		}
	}
}
