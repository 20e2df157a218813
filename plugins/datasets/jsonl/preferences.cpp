// Preference pairs and rankings in the shapes of published rows (see rows.h); unpaired feedback is feedback.cpp's. Sources:
// the data cards of HH-RLHF and UltraFeedback, and LLaMA-Factory's examples.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "feedback.h"
#include "fields.h"
#include "rows.h"

namespace temper::dataset_jsonl {

using nlohmann::json;

namespace {

std::string prompt_field(const json& row) { return first_of(row, {"prompt", "messages", "conversations", "instruction"}); }

double margin_of(const json& row) {
  const auto found = row.find("margin");
  if (found == row.end() || found->is_null()) return 0;
  const double margin = found->is_number() ? found->get<double>() : -1;
  if (!(margin >= 0 && std::isfinite(margin))) {
    throw BadRow{"field 'margin' is " + found->dump() + ", must be a number of at least 0; correct it"};
  }
  return margin;
}

/// Whole dialogues that differ in the last turn only.
void read_dialogues(const json& row, PreferencePair& pair) {
  std::vector<Message> chosen = split_dialogue(text_of(row, "chosen"));
  std::vector<Message> rejected = split_dialogue(text_of(row, "rejected"));
  if (chosen.back().role != "assistant" || rejected.back().role != "assistant") {
    throw BadRow{"both dialogues must end with an Assistant turn"};
  }
  pair.chosen = std::move(chosen.back().content);
  pair.rejected = std::move(rejected.back().content);
  chosen.pop_back();
  rejected.pop_back();
  const auto same = [](const Message& a, const Message& b) { return a.role == b.role && a.content == b.content; };
  if (!std::equal(chosen.begin(), chosen.end(), rejected.begin(), rejected.end(), same)) {
    throw BadRow{"the dialogues of 'chosen' and 'rejected' differ before their last turn, so they cannot be compared"};
  }
  pair.prompt = std::move(chosen);
}

void read_pair(const json& row, const std::string& format, PreferencePair& pair) {
  for (const char* name : {"chosen", "rejected"}) {
    if (!has(row, name)) text_of(row, name);
  }
  const std::string prompt = prompt_field(row);
  if (format == "hh" || prompt.empty()) {
    if (format == "preferences") text_of(row, "prompt");
    return read_dialogues(row, pair);
  }
  pair.prompt = prompt_with_input(row, prompt);
  pair.chosen = answer_text(row["chosen"], "chosen");
  pair.rejected = answer_text(row["rejected"], "rejected");
}

/// Higher is better.
std::vector<double> goodness(const json& row, std::size_t answers) {
  std::vector<double> good(answers);
  if (has(row, "ranks") && has(row, "scores")) throw BadRow{"the row has both 'ranks' and 'scores'; keep one of them"};
  const std::string name = first_of(row, {"ranks", "scores"});
  if (name.empty()) {
    for (std::size_t i = 0; i < answers; ++i) good[i] = -static_cast<double>(i);
    return good;
  }
  const json& values = row[name];
  if (!values.is_array() || values.size() != answers) {
    throw BadRow{"field '" + name + "' must be a list of " + std::to_string(answers) +
                 " numbers, one for each of responses"};
  }
  for (std::size_t i = 0; i < answers; ++i) {
    if (!values[i].is_number()) {
      throw BadRow{"field '" + name + "' holds " + std::string(values[i].type_name()) + ", must hold numbers; correct it"};
    }
    good[i] = name == "ranks" ? -values[i].get<double>() : values[i].get<double>();
  }
  return good;
}

/// All pairs of a ranking, better answers first.
std::vector<PreferencePair> read_ranking(const json& row, const PreferencePair& common) {
  if (!has(row, "responses") || !row["responses"].is_array() || row["responses"].size() < 2) {
    throw BadRow{"a ranking needs 'responses', a list of at least two answers (fields here: " + names_of(row) + ")"};
  }
  const std::string prompt = prompt_field(row);
  if (prompt.empty()) text_of(row, "prompt");
  std::vector<std::string> answers;
  for (const auto& value : row["responses"]) answers.push_back(answer_text(value, "responses"));
  const std::vector<double> good = goodness(row, answers.size());
  std::vector<std::size_t> order(answers.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return good[a] > good[b]; });
  std::vector<PreferencePair> pairs;
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      const std::size_t better = order[i], worse = order[j];
      if (good[better] == good[worse] || answers[better] == answers[worse]) continue;
      PreferencePair pair = common;
      pair.prompt = prompt_with_input(row, prompt);
      pair.id += "#" + std::to_string(better + 1) + "-" + std::to_string(worse + 1);
      pair.chosen = answers[better];
      pair.rejected = answers[worse];
      pairs.push_back(std::move(pair));
    }
  }
  return pairs;
}

std::string format_of(const json& row, const Fields& fields) {
  if (fields.format != "auto") return fields.format;
  if (has(row, "chosen") || has(row, "rejected")) return "auto";
  if (has(row, "responses")) return "rankings";
  return has(row, fields.label.empty() ? "label" : fields.label) ? "kto" : "auto";
}

}  // namespace

std::vector<Message> split_dialogue(const std::string& text) {
  struct Mark {
    std::string_view text, role;
  };
  constexpr Mark kMarks[] = {{"\n\nHuman:", "user"}, {"\n\nAssistant:", "assistant"}};
  const auto find_mark = [&](std::size_t from) {
    std::pair<std::size_t, const Mark*> best{std::string::npos, nullptr};
    for (const auto& mark : kMarks) {
      const std::size_t at = text.find(mark.text, from);
      if (at < best.first) best = {at, &mark};
    }
    return best;
  };
  auto [at, mark] = find_mark(0);
  if (at != 0) throw BadRow{R"(the dialogue must begin with "\n\nHuman:" or "\n\nAssistant:")"};
  std::vector<Message> messages;
  while (mark != nullptr) {
    std::size_t begin = at + mark->text.size();
    const auto [next_at, next_mark] = find_mark(begin);
    if (begin < text.size() && text[begin] == ' ') ++begin;
    const std::size_t end = next_at == std::string::npos ? text.size() : next_at;
    std::string content = begin < end ? text.substr(begin, end - begin) : "";
    // A few published rows have two turns of one speaker in a row; as one turn they stay usable.
    if (!messages.empty() && messages.back().role == mark->role) {
      messages.back().content += "\n\n" + content;
    } else {
      messages.push_back({std::string(mark->role), std::move(content)});
    }
    at = next_at;
    mark = next_mark;
  }
  return messages;
}

std::vector<PreferencePair> to_preferences(const json& row, const Fields& fields, const std::string& fallback_id) {
  const std::string format = format_of(row, fields);
  PreferencePair pair;
  pair.id = id_of(row, fields, fallback_id);
  pair.dimension = optional_text(row, "dimension");
  pair.margin = margin_of(row);
  std::vector<PreferencePair> pairs;
  if (format == "rankings") {
    pairs = read_ranking(row, pair);
  } else if (format == "kto") {
    read_feedback(row, fields, pair);
    pairs.push_back(std::move(pair));
  } else if (format == "auto" || format == "preferences" || format == "hh") {
    read_pair(row, format, pair);
    pairs.push_back(std::move(pair));
  } else {
    wrong_format("preference pairs", fields);
  }
  for (const auto& made : pairs) {
    if (made.prompt.empty() || made.prompt.back().role != "user") throw BadRow{"the prompt must end with a user turn"};
  }
  return pairs;
}

}  // namespace temper::dataset_jsonl
