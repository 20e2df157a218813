// Finding the terms of word lists (see toxicity.h): phrases by rolling numbers over word hashes, so that a list's length
// costs nothing.
#include <algorithm>
#include <array>

#include "file_set.h"
#include "line_reader.h"
#include "shingles.h"
#include "toxicity.h"

namespace temper::filters {
namespace {

using Place = std::pair<std::size_t, std::size_t>;

/// Hangul syllables are three bytes from EA B0 80 to ED 9E A3.
bool is_hangul(std::string_view text) {
  if (text.empty() || text.size() % 3 != 0) return false;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const auto lead = static_cast<unsigned char>(text[i]), next = static_cast<unsigned char>(text[i + 1]);
    const bool inside = (lead == 0xEA && next >= 0xB0) || lead == 0xEB || lead == 0xEC || (lead == 0xED && next <= 0x9E);
    if (!inside) return false;
  }
  return true;
}

/// The letter that a sign stands for where people write around a filter; 0 for none.
char letter_of(char c) {
  switch (c) {
    case '0':
      return 'o';
    case '1':
    case '!':
    case '|':
      return 'i';
    case '3':
      return 'e';
    case '4':
    case '@':
      return 'a';
    case '5':
    case '$':
      return 's';
    case '7':
      return 't';
    case '8':
      return 'b';
    default:
      return 0;
  }
}

/// "Sh1iiit" and "s.h.i.t" become "shit"-like: signs to letters, separators out, no letter more than twice in a row.
std::string undone(std::string_view chunk) {
  std::string word;
  for (const char c : chunk) {
    char letter = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (const char meant = letter_of(c)) letter = meant;
    if (letter < 'a' || letter > 'z') continue;
    if (word.size() >= 1 && word.back() == letter) continue;
    word += letter;
  }
  return word;
}

}  // namespace

Lexicon::Lexicon(const std::vector<std::string>& files, const std::string& base_dir, bool tricks, bool inside_hangul)
    : tricks_(tricks), inside_hangul_(inside_hangul) {
  const auto found = dataset_io::resolve_files(files, base_dir, {".txt"});
  fingerprint_ = dataset_io::fingerprint_files(found, "lexicon 1");
  for (const auto& file : found) {
    dataset_io::LineReader reader(file.path, 1);
    for (dataset_io::Line line; reader.next(line);) {
      if (!line.problem.empty()) throw DataError(line.problem);
      if (!line.text.starts_with('#')) add(line.text);
    }
  }
  if (terms_ == 0) throw DataError("the word lists hold no term; put one on each line");
  for (const auto& term : hangul_) hangul_bytes_.push_back(term.size());
  std::sort(hangul_bytes_.begin(), hangul_bytes_.end());
  hangul_bytes_.erase(std::unique(hangul_bytes_.begin(), hangul_bytes_.end()), hangul_bytes_.end());
}

void Lexicon::add(const std::string& term) {
  const std::string plain = folded(term);
  const auto words = units_of(plain, Unit::kWord).hashes;
  if (words.empty()) return;
  ++terms_;
  phrases_[words.size()].insert(shingles(words, words.size()).front());
  // A term of one syllable inside words would be found everywhere.
  if (is_hangul(plain) && plain.size() >= 6) hangul_.insert(plain);
  const std::string letters = undone(plain);
  if (words.size() == 1 && letters.size() >= 4) plain_.insert(letters);
}

std::vector<Place> Lexicon::find(std::string_view text, const Units& words) const {
  std::vector<Place> places;
  for (const auto& [length, terms] : phrases_) {
    if (words.hashes.size() < length) continue;
    const auto runs = shingles(words.hashes, length);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      if (terms.count(runs[i]) != 0) places.emplace_back(words.begins[i], words.ends[i + length - 1]);
    }
  }
  if (inside_hangul_ && !hangul_.empty()) {
    for (std::size_t i = 0; i < words.hashes.size(); ++i) {
      const std::string_view word = text.substr(words.begins[i], words.ends[i] - words.begins[i]);
      if (!is_hangul(word)) continue;
      for (std::size_t at = 0; at < word.size(); at += 3) {
        for (const std::size_t size : hangul_bytes_) {
          if (at + size > word.size()) break;
          if (hangul_.count(std::string(word.substr(at, size))) == 0) continue;
          places.emplace_back(words.begins[i] + at, words.begins[i] + at + size);
        }
      }
    }
  }
  if (tricks_) {
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
      const std::string_view chunk = text.substr(begin, end - begin);
      // Signs at the end are punctuation more often than letters.
      const std::size_t last = chunk.find_last_not_of("!?.,:;\"')");
      const std::string_view core = chunk.substr(0, last == std::string_view::npos ? 0 : last + 1);
      const bool tricky = core.find_first_of("0134578@$!|.-_*") != std::string_view::npos ||
                          std::adjacent_find(core.begin(), core.end()) != core.end();
      if (tricky && plain_.count(undone(core)) != 0) places.emplace_back(begin, begin + core.size());
      begin = end + 1;
    }
  }
  std::sort(places.begin(), places.end());
  std::vector<Place> apart;
  for (const auto& place : places) {
    if (!apart.empty() && place.first < apart.back().second) {
      apart.back().second = std::max(apart.back().second, place.second);
    } else {
      apart.push_back(place);
    }
  }
  return apart;
}

}  // namespace temper::filters
