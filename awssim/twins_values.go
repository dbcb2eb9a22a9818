package awssim

import (
	"strings"

	"github.com/aphex/aphex-pipeline/awssim/cloudformation"
	"github.com/aphex/aphex-pipeline/awssim/ecr"
	"github.com/aphex/aphex-pipeline/awssim/secretsmanager"
	"github.com/aphex/aphex-pipeline/awssim/ssm"
	"github.com/aphex/aphex-pipeline/awssim/wire"
)

const (
	longestParameterName  = 1011
	longestSecretName     = 64
	longestRepositoryName = 256
)

func createParameter(s *Server, w want) (cloudformation.Resource, error) {
	return putParameter(s, w, w.name("Name", longestParameterName), false)
}

func updateParameter(s *Server, w want) (cloudformation.Resource, error) {
	return putParameter(s, w, w.PhysicalID, true)
}

func putParameter(s *Server, w want, name string, overwrite bool) (cloudformation.Resource, error) {
	if err := s.permit(w, "ssm:PutParameter", w.arn("ssm", "parameter/"+strings.TrimPrefix(name, "/"))); err != nil {
		return cloudformation.Resource{}, err
	}
	p, err := s.parameters.Put(w.place(), ssm.Parameter{
		Name: name, Type: w.now.text("Type"), Value: w.now.text("Value"), Description: w.now.text("Description"),
		DataType: w.now.text("DataType"), Tags: w.tags(),
	}, overwrite)
	return cloudformation.Resource{PhysicalID: name, Attributes: map[string]any{"Type": p.Type, "Value": p.Value}}, err
}

func findParameter(s *Server, w want) (cloudformation.Resource, error) {
	p, err := s.parameters.Get(w.place(), w.now.text("Name"))
	return cloudformation.Resource{PhysicalID: p.Name, Attributes: map[string]any{"Type": p.Type, "Value": p.Value}}, err
}

func deleteParameter(s *Server, w want) error {
	if err := s.permit(w, "ssm:DeleteParameter", w.arn("ssm", "parameter/"+strings.TrimPrefix(w.PhysicalID, "/"))); err != nil {
		return err
	}
	return s.parameters.Delete(w.place(), w.PhysicalID)
}

func createSecret(s *Server, w want) (cloudformation.Resource, error) {
	name := w.name("Name", longestSecretName)
	prefix := w.arn("secretsmanager", "secret:")
	if err := s.permit(w, "secretsmanager:CreateSecret", prefix+name); err != nil {
		return cloudformation.Resource{}, err
	}
	text, err := secretText(w.now)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	secret, err := s.secrets.Create(w.place(), prefix, secretsmanager.Secret{
		Name: name, Description: w.now.text("Description"), Tags: w.tags(), Current: secretsmanager.Version{Text: text},
	})
	return secretResource(secret.ARN), err
}

// secretText is the given text or, by the template's recipe, a generated one.
func secretText(p properties) (string, error) {
	if p.at("GenerateSecretString") == nil {
		return p.text("SecretString"), nil
	}
	var recipe secretsmanager.Recipe
	if err := p.decode(&recipe, "GenerateSecretString"); err != nil {
		return "", wire.Errorf("InvalidParameterException", "GenerateSecretString: %s", err)
	}
	text, err := recipe.Text()
	if err != nil {
		return "", wire.Errorf("InvalidParameterException", "GenerateSecretString: %s", err)
	}
	return text, nil
}

// updateSecret generates a new text only when the recipe changed.
func updateSecret(s *Server, w want) (cloudformation.Resource, error) {
	if err := s.permit(w, "secretsmanager:UpdateSecret", w.PhysicalID); err != nil {
		return cloudformation.Resource{}, err
	}
	text, err := secretText(w.now)
	if err != nil {
		return cloudformation.Resource{}, err
	}
	values := []string{"SecretString", "GenerateSecretString"}
	if w.now.document(values[0]) != w.old.document(values[0]) || w.now.document(values[1]) != w.old.document(values[1]) {
		if _, err := s.secrets.Put(w.place(), w.PhysicalID, secretsmanager.Version{Text: text}); err != nil {
			return cloudformation.Resource{}, err
		}
	}
	_, err = s.secrets.Change(w.place(), w.PhysicalID, func(secret *secretsmanager.Secret) {
		secret.Description, secret.Tags = w.now.text("Description"), w.tags()
	})
	return secretResource(w.PhysicalID), err
}

func secretResource(arn string) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: arn, Attributes: map[string]any{"Id": arn}}
}

func findSecret(s *Server, w want) (cloudformation.Resource, error) {
	secret, err := s.secrets.Get(w.place(), w.now.text("Name"))
	return secretResource(secret.ARN), err
}

func deleteSecret(s *Server, w want) error {
	if err := s.permit(w, "secretsmanager:DeleteSecret", w.PhysicalID); err != nil {
		return err
	}
	_, err := s.secrets.Delete(w.place(), w.PhysicalID)
	return err
}

func createRepository(s *Server, w want) (cloudformation.Resource, error) {
	name := strings.ToLower(w.name("RepositoryName", longestRepositoryName))
	if err := s.permit(w, "ecr:CreateRepository", w.arn("ecr", "repository/"+name)); err != nil {
		return cloudformation.Resource{}, err
	}
	r := ecr.Repository{Name: name}
	shapeRepository(&r, w)
	r, err := s.registry.Create(w.Scope.Account, w.Scope.Region, r)
	return repositoryResource(r), err
}

func shapeRepository(r *ecr.Repository, w want) {
	r.Mutability = w.now.text("ImageTagMutability")
	if r.Mutability == "" {
		r.Mutability = "MUTABLE"
	}
	r.ScanOnPush = w.now.flag("ImageScanningConfiguration", "ScanOnPush")
	r.Lifecycle = w.now.text("LifecyclePolicy", "LifecyclePolicyText")
	r.Policy = w.now.document("RepositoryPolicyText")
	r.Tags = w.tags()
	if kind := w.now.text("EncryptionConfiguration", "EncryptionType"); kind != "" {
		r.Encryption = kind
	}
}

func updateRepository(s *Server, w want) (cloudformation.Resource, error) {
	if err := s.permit(w, "ecr:PutImageTagMutability", w.arn("ecr", "repository/"+w.PhysicalID)); err != nil {
		return cloudformation.Resource{}, err
	}
	r, err := s.registry.Change(w.place(), w.PhysicalID, func(r *ecr.Repository) error {
		shapeRepository(r, w)
		return nil
	})
	return repositoryResource(r), err
}

func repositoryResource(r ecr.Repository) cloudformation.Resource {
	return cloudformation.Resource{PhysicalID: r.Name, Attributes: map[string]any{"Arn": r.ARN, "RepositoryUri": r.URI}}
}

func findRepository(s *Server, w want) (cloudformation.Resource, error) {
	r, err := s.registry.Get(w.place(), w.now.text("RepositoryName"))
	return repositoryResource(r), err
}

func deleteRepository(s *Server, w want) error {
	if err := s.permit(w, "ecr:DeleteRepository", w.arn("ecr", "repository/"+w.PhysicalID)); err != nil {
		return err
	}
	_, err := s.registry.Delete(w.place(), w.PhysicalID, w.old.flag("EmptyOnDelete"))
	return err
}
