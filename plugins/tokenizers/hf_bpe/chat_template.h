// Recognises which of temper's prompt templates a model's Jinja chat template is. The text is only looked at, never run.
#pragma once

#include <string>

namespace temper::hf_bpe_plugin {

/// "chatml", "llama3", "zephyr", or "" for a form that temper has no template for. `end_token` is the tokenizer's EOS.
std::string recognise_template(const std::string& jinja, const std::string& end_token);

/// The system message that the template writes where a conversation has none; "" if it writes none.
std::string default_system_message(const std::string& jinja, const std::string& template_name);

}  // namespace temper::hf_bpe_plugin
