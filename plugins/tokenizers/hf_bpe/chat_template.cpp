// Looking for marks in a Jinja text (see chat_template.h).
#include "chat_template.h"

#include <string_view>

namespace temper::hf_bpe_plugin {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Text between quotes as Jinja reads it.
std::string unescaped(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      made += text[at];
      continue;
    }
    const char next = text[++at];
    made += next == 'n' ? '\n' : next == 't' ? '\t' : next;
  }
  return made;
}

/// Whether the text holds an expression, so that it is no fixed message.
bool has_expression(std::string_view text) {
  for (const std::string_view sign : {"{{", "}}", "{%", "%}", "' +", "'+", "\" +", "\"+", "' ~", "'~"}) {
    if (text.find(sign) != std::string_view::npos) return true;
  }
  return text.empty();
}

}  // namespace

std::string recognise_template(const std::string& jinja, const std::string& end_token) {
  if (has(jinja, "<|im_start|>") && has(jinja, "<|im_end|>")) return "chatml";
  if (has(jinja, "<|start_header_id|>") && has(jinja, "<|eot_id|>")) return "llama3";
  // Others write <|user|> too, but end a turn otherwise.
  const bool ends_alike = has(jinja, "</s>") || (has(jinja, "eos_token") && end_token == "</s>");
  if (has(jinja, "<|user|>") && has(jinja, "<|assistant|>") && ends_alike && !has(jinja, "<|end|>")) return "zephyr";
  return "";
}

std::string default_system_message(const std::string& jinja, const std::string& template_name) {
  // Llama 3.1 and later put the date there, with or without a message; the one that their template gives is fixed here.
  if (template_name == "llama3" && has(jinja, "Cutting Knowledge Date: December 2023")) {
    return "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";
  }
  if (template_name != "chatml") return "";
  constexpr std::string_view kEnd = "<|im_end|>";
  for (const std::string_view begin : {"<|im_start|>system\\n", "<|im_start|>system\n"}) {
    for (auto at = jinja.find(begin); at != std::string::npos; at = jinja.find(begin, at + 1)) {
      const auto from = at + begin.size(), to = jinja.find(kEnd, from);
      if (to == std::string::npos) break;
      const auto message = std::string_view(jinja).substr(from, to - from);
      if (!has_expression(message)) return unescaped(message);
    }
  }
  return "";
}

}  // namespace temper::hf_bpe_plugin
