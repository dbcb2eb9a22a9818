package plan

import "github.com/aphex/aphex-pipeline/internal/config"

// signing returns the sources of the key of stages that sign.
func signing(cfg *config.Config) sources {
	if cfg.Signing == nil {
		return nil
	}
	return sources{"signing-key": literal(cfg.Signing.KMSKeyARN)}
}

// recordsImages returns the sources of the images in the release record.
func recordsImages(cfg *config.Config, place Place) sources {
	if cfg.Signing == nil {
		return nil
	}
	return sources{"images": literal(string(place.Images))}
}

// proving returns the sources of the key of a deployment that requires provenance.
func proving(cfg *config.Config, env config.Environment) sources {
	if !env.RequireProvenance || cfg.Signing == nil {
		return nil
	}
	return sources{"require-provenance": literal("true"), "provenance-key": literal(cfg.Signing.KMSKeyARN)}
}
