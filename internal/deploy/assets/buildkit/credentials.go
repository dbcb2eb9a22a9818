package buildkit

import (
	"context"

	"github.com/moby/buildkit/session/auth"
	"google.golang.org/grpc"
)

// logins answers for the credentials of registries. It never fetches a token itself: the host
// to fetch one from is named by the registry of a base image, and BuildKit is kept from the
// addresses that this program reaches.
type logins struct {
	auth.UnimplementedAuthServer
	of func(ctx context.Context, registry string) (user, password string, err error)
}

// Register adds the service to the session of a build.
func (l logins) Register(server *grpc.Server) { auth.RegisterAuthServer(server, l) }

// Credentials returns the credentials for a registry, or none.
func (l logins) Credentials(ctx context.Context, request *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	user, password, err := l.of(ctx, request.Host)
	if err != nil {
		return nil, err
	}
	return &auth.CredentialsResponse{Username: user, Secret: password}, nil
}
