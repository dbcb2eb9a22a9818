// Package registry asks registries which image a name refers to.
package registry

import (
	"context"
	"fmt"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// patience is how long a registry may take to answer.
const patience = 5 * time.Second

// Digest returns the digest of the image that a name such as
// public.ecr.aws/aphex/builder:latest refers to now, as sha256:<hex>: for several
// platforms, that of their index. It uses the user's credentials of Docker, if there are
// any for the registry.
func Digest(ctx context.Context, image string) (string, error) {
	reference, err := name.ParseReference(image)
	if err != nil {
		return "", err
	}
	ctx, done := context.WithTimeout(ctx, patience)
	defer done()
	found, err := remote.Head(reference, remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain))
	if err != nil {
		return "", fmt.Errorf("asking %s for the digest of %s: %w", reference.Context().RegistryStr(), image, err)
	}
	return found.Digest.String(), nil
}
