// Checks of a tokenizer: text survives, special ids are what they must be, training is deterministic.
#include "temper/tokenizer.h"

#include <algorithm>
#include <set>

#include "checks.h"
#include "temper/random.h"

namespace temper::conformance {
namespace {

/// Made-up sentences: enough different words for a small vocabulary.
Tokenizer::TextSource training_texts(std::uint64_t seed) {
  return [rng = Rng(seed), left = 600]() mutable -> std::optional<std::string> {
    if (left-- == 0) return std::nullopt;
    static const char* const kSyllables[] = {"ka", "ri", "to", "mel", "an", "su", "ver", "dor", "li", "pen", "os", "qui"};
    std::string text;
    for (std::uint64_t word = 0, words = 4 + rng.below(8); word < words; ++word) {
      if (word > 0) text += " ";
      for (std::uint64_t part = 0, parts = 1 + rng.below(4); part < parts; ++part) text += kSyllables[rng.below(12)];
    }
    return text + (rng.below(2) == 0 ? ".\n" : ", 42!\n");
  };
}

std::unique_ptr<Tokenizer> make(const Subject& subject) {
  ParamValues values = subject.values;
  // The made-up texts cannot fill a vocabulary of thousands.
  for (const auto& spec : subject.registration.specs) {
    if (spec.name != "vocab_size" || spec.type != ParamType::kInt) continue;
    const auto size = static_cast<std::int64_t>(std::max(400.0, spec.min.value_or(0)));
    values.set("vocab_size", {size, ValueSource::kCommandLine, "conformance"});
  }
  auto tokenizer = subject.plugin.make<Tokenizer>(subject.registration.id, values, {"."});
  if (!tokenizer) throw PluginError("the factory gave no tokenizer");
  return tokenizer;
}

std::unique_ptr<Tokenizer> make_ready(const Subject& subject) {
  auto tokenizer = make(subject);
  if (tokenizer->needs_training()) tokenizer->train(training_texts(subject.seed));
  return tokenizer;
}

template <class Body>
Outcome with_tokenizer(const Subject& subject, Body body) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  return body(*make_ready(subject));
}

Outcome round_trip(const Subject& subject) {
  return with_tokenizer(subject, [](Tokenizer& tokenizer) {
    const std::string texts[] = {
        "",
        " ",
        "  leading and trailing  ",
        "plain words",
        "tab\tand\r\nbreaks\n\n",
        "Hello , world !",
        "e\u0301 \u00e9 \u00a0 \u3000 \u200d \r\n \U0001F468\u200d\U0001F469\u200d\U0001F467 \u00bd "
        "\uff21 \ufeff",
        "\u65e5\u672c\u8a9e \uc624\ub298 \u0627\u0644",
        std::string("nul\0inside", 10),
        "a\u2581b"};
    for (const auto& text : texts) {
      if (const std::string back = tokenizer.decode(tokenizer.encode(text)); back != text) {
        return Outcome::fail("'" + text + "' came back as '" + back + "'");
      }
    }
    // Not valid UTF-8: it has to be accepted; what comes back may hold U+FFFD.
    tokenizer.decode(tokenizer.encode("\xff\xc3(\xed\xa0\x80"));
    return Outcome::pass();
  });
}

Outcome ids_in_range(const Subject& subject) {
  return with_tokenizer(subject, [](Tokenizer& tokenizer) {
    if (tokenizer.vocab_size() < 2) return Outcome::fail("vocab_size() is " + std::to_string(tokenizer.vocab_size()));
    for (const auto id : tokenizer.encode("Some words, 123 and \u00e9!")) {
      if (id < 0 || id >= tokenizer.vocab_size()) return Outcome::fail("encode() gave the id " + std::to_string(id));
      if (tokenizer.piece(id).empty()) return Outcome::fail("piece(" + std::to_string(id) + ") is empty");
    }
    return Outcome::pass();
  });
}

std::set<std::int32_t> special_ids(const Tokenizer& tokenizer) {
  std::set<std::int32_t> special = {tokenizer.pad_id()};
  for (const auto id : tokenizer.eos_ids()) special.insert(id);
  if (tokenizer.bos_id() >= 0) special.insert(tokenizer.bos_id());
  return special;
}

Outcome special_distinct(const Subject& subject) {
  return with_tokenizer(subject, [](Tokenizer& tokenizer) {
    const auto eos = tokenizer.eos_ids();
    if (eos.empty()) return Outcome::fail("eos_ids() is empty");
    if (std::find(eos.begin(), eos.end(), tokenizer.pad_id()) != eos.end()) return Outcome::fail("pad_id() is an EOS id");
    for (const auto id : special_ids(tokenizer)) {
      if (id < 0 || id >= tokenizer.vocab_size()) {
        return Outcome::fail("the special id " + std::to_string(id) + " is outside the vocabulary");
      }
      if (!tokenizer.decode({id}).empty()) return Outcome::fail("the special id " + std::to_string(id) + " decodes to text");
    }
    if (tokenizer.bos_id() >= 0 && tokenizer.bos_id() == tokenizer.pad_id()) return Outcome::fail("bos_id() is pad_id()");
    return Outcome::pass();
  });
}

Outcome text_is_no_special(const Subject& subject) {
  return with_tokenizer(subject, [](Tokenizer& tokenizer) {
    const auto special = special_ids(tokenizer);
    std::string text = "<s></s><pad><|endoftext|>[PAD]<bos><eos>";
    for (const auto id : special) text += tokenizer.piece(id);
    for (const auto id : tokenizer.encode(text)) {
      if (special.count(id) != 0)
        return Outcome::fail("text that looks like a special token became the id " + std::to_string(id));
    }
    return Outcome::pass();
  });
}

Outcome training_deterministic(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  const auto a = make(subject), b = make(subject);
  if (!a->needs_training()) return Outcome::skip("it needs no training");
  const std::string of_a = a->train(training_texts(3)), of_b = b->train(training_texts(3));
  if (of_a.empty()) return Outcome::fail("train() gave no bytes");
  if (of_a != of_b) return Outcome::fail("training twice on the same texts gave different bytes");
  if (of_a != a->model_bytes()) return Outcome::fail("model_bytes() are not what train() returned");
  return Outcome::pass();
}

Outcome load_equal(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  const auto trained = make_ready(subject), loaded = make(subject);
  loaded->load(trained->model_bytes());
  const std::string text = "karito melan \u00e9 \u200d\n 42!";
  if (trained->encode(text) != loaded->encode(text)) return Outcome::fail("after load() the same text has other ids");
  if (trained->vocab_size() != loaded->vocab_size()) return Outcome::fail("after load() the vocabulary has another size");
  return Outcome::pass();
}

Outcome damaged_refused(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  const std::string bytes = make_ready(subject)->model_bytes();
  if (bytes.empty()) return Outcome::skip("its model has no bytes");
  for (const std::string& damaged : {bytes.substr(0, bytes.size() / 2), std::string("not a model at all")}) {
    try {
      make(subject)->load(damaged);
    } catch (const DataError&) {
      continue;
    }
    return Outcome::fail("load() accepted damaged bytes; it has to throw a DataError");
  }
  return Outcome::pass();
}

}  // namespace

void add_tokenizer_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* id, int level, const char* sentence, Outcome (*run)(const Subject&)) {
    checks.push_back({std::string("tokenizer.") + id, "tokenizer", level, sentence, run});
  };
  add("round_trip", 1, "Text comes back byte for byte, unusual text too (P-TOK-09).", round_trip);
  add("ids", 1, "Ids are within the vocabulary and have a piece.", ids_in_range);
  add("special", 1, "Special ids are distinct, in the vocabulary, and decode to nothing.", special_distinct);
  add("special_text", 1, "Text that looks like a special token is ordinary text.", text_is_no_special);
  add("deterministic", 2, "Training twice on the same texts gives the same bytes.", training_deterministic);
  add("load", 1, "A loaded model gives the ids of the trained one.", load_equal);
  add("damaged", 1, "Damaged model bytes are a DataError.", damaged_refused);
}

}  // namespace temper::conformance
