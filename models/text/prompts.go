package text

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// promptOption reads prompt: an empty one counts, too, and null is none.
func promptOption(v json.RawMessage, o *EmbedOptions) error {
	var prompt *string
	if json.Unmarshal(v, &prompt) != nil {
		return reason("must be a text")
	}
	if prompt != nil {
		o.Prompt, o.Prompted = *prompt, true
	}
	return nil
}

// promptsOption reads prompts, texts by their names.
func promptsOption(v json.RawMessage, o *EmbedOptions) error {
	var prompts map[string]*string
	if json.Unmarshal(v, &prompts) != nil {
		return reason("must be an object of texts")
	}
	o.Prompts = map[string]string{}
	for name, prompt := range prompts {
		if prompt != nil { // else the model's own
			o.Prompts[name] = *prompt
		}
	}
	return nil
}

// resolve finds the text to put before every input: the call's own, else the one that it names, else the one that is named as the default by the call or by the model. Prompts
// of the call count more than the model's of the same name; query and document are there always, and empty if nobody has said what they are.
func (o *EmbedOptions) resolve(s *settings) (string, error) {
	if o.Prompted || o.Prompt != "" {
		return o.Prompt, nil
	}
	option, name := "prompt_name", o.PromptName
	if name == "" && o.DefaultPrompt == "" && o.Usual != "" {
		if prompt, ok := o.prompt(s, o.Usual); ok {
			return prompt, nil
		}
	}
	if fallback := o.DefaultPrompt; name == "" || fallback != "" {
		if fallback != "" {
			if _, ok := o.prompt(s, fallback); !ok {
				return "", o.unknown(s, "default_prompt_name", fallback)
			}
		} else {
			fallback = s.defaultPrompt
		}
		if name == "" {
			option, name = "default_prompt_name", fallback
		}
	}
	if name == "" {
		return "", nil
	}
	prompt, ok := o.prompt(s, name)
	if !ok {
		return "", o.unknown(s, option, name)
	}
	return prompt, nil
}

// prompt is the prompt of a name.
func (o *EmbedOptions) prompt(s *settings, name string) (prompt string, ok bool) {
	if prompt, ok = o.Prompts[name]; ok {
		return prompt, true
	}
	prompt, ok = s.prompts[name]
	return prompt, ok || name == "query" || name == "document"
}

func (o *EmbedOptions) unknown(s *settings, option, name string) error {
	known := map[string]string{"query": "", "document": ""}
	maps.Copy(known, s.prompts)
	maps.Copy(known, o.Prompts)
	return &OptionError{Name: option, Reason: fmt.Sprintf("is %.120q, the model's prompts are %.400q", name, slices.Sorted(maps.Keys(known)))}
}
