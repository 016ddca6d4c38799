package restic

// Seal encrypts something with the repository's key, for keeping it elsewhere than in the repository.
func (r *Repository) Seal(plaintext []byte) []byte { return r.key.seal(nil, plaintext) }

// Unseal decrypts, in place, what Seal gave. What was changed, or sealed for another repository, is an error.
func (r *Repository) Unseal(sealed []byte) ([]byte, error) { return r.key.open(sealed) }
