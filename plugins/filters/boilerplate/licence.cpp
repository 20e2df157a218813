// Phrases and blocks (see licence.h). Phrases are looked for in lower case with comment marks and runs of blanks reduced, so
// that line breaks do not matter.
#include "licence.h"

#include <algorithm>
#include <array>
#include <string>

namespace temper::filters {
namespace {

/// In a comment block, any of these makes the paragraph a part of a licence.
constexpr std::array kCommentPhrases = std::to_array<std::string_view>({
    "spdx-license-identifier",
    "licensed under the",
    "license terms",
    "permission is hereby granted",
    "permission to use, copy, modify",
    "redistribution and use in source and binary forms",
    "redistributions of source code must retain",
    "redistributions in binary form must reproduce",
    "general public license",
    "mozilla public license",
    "apache license",
    "bsd-style license",
    "the above copyright notice",
    "this software is provided",
    "the software is provided \"as is\"",
    "without warranty of any kind",
    "without warranties or conditions of any kind",
    "neither the name of",
    "this program is free software",
    "this file is part of",
    "this source code is licensed",
    "governed by a bsd-style",
    "all rights reserved",
    "copyright (c)",
    "copyright ©",
    "use of this source code is governed",
    "distributed in the hope that it will be useful",
    "you should have received a copy of the gnu",
    "you may not use this file except in compliance",
    "you may obtain a copy of the license",
});

/// In plain text only whole sentences of the licences count, at a paragraph's start.
constexpr std::array kPlainSentences = std::to_array<std::string_view>({
    "permission is hereby granted, free of charge, to any person obtaining a copy",
    "the above copyright notice and this permission notice shall be included in all copies",
    "the software is provided \"as is\", without warranty of any kind",
    "redistribution and use in source and binary forms, with or without modification",
    "redistributions of source code must retain the above copyright notice",
    "redistributions in binary form must reproduce the above copyright notice",
    "this software is provided by the copyright holders and contributors",
    "licensed under the apache license, version 2.0",
    "unless required by applicable law or agreed to in writing, software distributed under the license",
    "this program is free software; you can redistribute it and/or modify",
    "this program is free software: you can redistribute it and/or modify",
    "this program is distributed in the hope that it will be useful, but without any warranty",
    "you should have received a copy of the gnu general public license",
    "you should have received a copy of the gnu lesser general public license",
    "permission to use, copy, modify, and/or distribute this software for any purpose",
    "this ebook is for the use of anyone anywhere at no cost and with almost no restrictions",
    "this ebook is for the use of anyone anywhere in the united states",
});

constexpr std::size_t kLongestLine = 400;      // of a licence; longer ones are not looked at
constexpr std::size_t kLongestBlock = 400;     // lines; a block that is longer is none of a licence
constexpr std::size_t kNumbering = 4;          // bytes of "1. " or "(a) " before a sentence
constexpr std::size_t kLongestParagraph = 60;  // lines

bool is_blank_line(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

/// The mark that makes a line a comment, without blanks before it; "" if none.
std::string_view comment_mark(std::string_view line) {
  // A star is a list's mark too, so it counts only between /* and */.
  constexpr std::array kMarks =
      std::to_array<std::string_view>({"//", "/*", "#", "--", ";;", "%%", "%", "<!--", "-->", "rem ", "dnl ", "\"\"\""});
  const std::string_view text = trimmed(line);
  for (const auto mark : kMarks) {
    if (text.starts_with(mark)) return mark;
  }
  return {};
}

/// In lower case, without comment marks and decoration, one space between words.
std::string plain_words(std::string_view line) {
  std::string words;
  bool space = false;
  for (const char c : lowered(line.substr(0, kLongestLine))) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '*' || c == '/' || c == '#' || c == '\\') {
      space = !words.empty();
      continue;
    }
    if (space) words += ' ';
    space = false;
    words += c;
  }
  return words;
}

std::string joined_words(std::string_view text, const std::vector<LineSpan>& lines, std::size_t first, std::size_t last) {
  std::string words;
  for (std::size_t i = first; i < last; ++i) {
    const std::string more = plain_words(text.substr(lines[i].begin, lines[i].end - lines[i].begin));
    if (!words.empty() && !more.empty()) words += ' ';
    words += more;
  }
  return words;
}

template <class Phrases>
bool contains_any(const std::string& words, const Phrases& phrases) {
  return std::any_of(phrases.begin(), phrases.end(),
                     [&](std::string_view phrase) { return words.find(phrase) != std::string::npos; });
}

/// Nothing in it but comment marks and decoration.
bool is_empty_comment(std::string_view line) {
  return line.find_first_not_of(" \t\r*/#-;%<>!=+\"") == std::string_view::npos;
}

/// A run of comment lines: what lies between its first and last paragraph of licence goes; all of it, if nothing else is in
/// it.
void clear_comment_block(std::string_view text, const std::vector<LineSpan>& lines, std::size_t first, std::size_t last,
                         std::vector<bool>& gone) {
  const auto line = [&](std::size_t i) { return text.substr(lines[i].begin, lines[i].end - lines[i].begin); };
  std::size_t from = last, to = first;
  bool other = false;
  for (std::size_t i = first; i < last;) {
    if (is_empty_comment(line(i))) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < last && !is_empty_comment(line(end))) ++end;
    if (contains_any(joined_words(text, lines, i, end), kCommentPhrases)) {
      from = std::min(from, i);
      to = end;
    }
    i = end;
  }
  if (from >= to) return;
  for (std::size_t i = first; i < last; ++i) other = other || ((i < from || i >= to) && !is_empty_comment(line(i)));
  // A block that opens with a mark has to close with one, so both stay or both go.
  if (!other) {
    from = first;
    to = last;
  }
  const auto unpaired = [&](std::size_t i, std::string_view open, std::string_view close) {
    return other && (line(i).find(open) != std::string_view::npos) != (line(i).find(close) != std::string_view::npos);
  };
  for (std::size_t i = from; i < to; ++i) {
    if (!unpaired(i, "/*", "*/") && !unpaired(i, "<!--", "-->")) gone[i] = true;
  }
}

bool starts_book(const std::string& words) {
  return words.starts_with("start of the project gutenberg") || words.starts_with("start of this project gutenberg") ||
         words.starts_with("end the small print");
}

bool ends_book(const std::string& words) {
  return words.starts_with("end of the project gutenberg") || words.starts_with("end of this project gutenberg") ||
         words.starts_with("end of project gutenberg");
}

bool is_credit(const std::string& words) {
  constexpr std::array kStarts = std::to_array<std::string_view>({"produced by ", "e-text prepared by ",
                                                                  "etext prepared by ", "this etext was prepared by ",
                                                                  "this ebook was produced by ", "transcribed from the "});
  return std::any_of(kStarts.begin(), kStarts.end(), [&](std::string_view start) { return words.starts_with(start); });
}

}  // namespace

void find_code_licences(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone) {
  const auto line = [&](std::size_t i) { return text.substr(lines[i].begin, lines[i].end - lines[i].begin); };
  for (std::size_t i = 0; i < lines.size();) {
    if (is_blank_line(line(i))) {
      ++i;
      continue;
    }
    std::size_t end = i + 1;
    if (!comment_mark(line(i)).empty()) {
      // Between /* and */ lines need no mark of their own.
      bool open = line(i).find("/*") != std::string_view::npos && line(i).find("*/") == std::string_view::npos;
      while (end < lines.size() && end - i < kLongestBlock && (open || !comment_mark(line(end)).empty())) {
        if (line(end).find("/*") != std::string_view::npos) open = true;
        if (line(end).find("*/") != std::string_view::npos) open = false;
        ++end;
      }
      if (!open) clear_comment_block(text, lines, i, end, gone);
      i = end;
      continue;
    }
    while (end < lines.size() && end - i < kLongestParagraph && !is_blank_line(line(end)) &&
           comment_mark(line(end)).empty()) {
      ++end;
    }
    // Only the beginning counts, and most paragraphs are one long line.
    const std::string words = joined_words(text, lines, i, std::min(end, i + 4));
    const bool licence = std::any_of(kPlainSentences.begin(), kPlainSentences.end(), [&](std::string_view sentence) {
      const std::string_view start = std::string_view(words).substr(0, sentence.size() + kNumbering);
      return start.find(sentence) != std::string_view::npos;
    });
    for (std::size_t k = i; licence && k < end; ++k) gone[k] = true;
    i = end;
  }
}

void find_gutenberg_parts(std::string_view text, const std::vector<LineSpan>& lines, std::vector<bool>& gone) {
  std::size_t open = 0;    // where what belongs to no book began
  bool in_book = true;     // before the first marker everything may be the book
  bool any_start = false;  // a START makes what came before it a header
  const auto clear = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) gone[i] = true;
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = text.substr(lines[i].begin, lines[i].end - lines[i].begin);
    // A marker line is short and has this word in it.
    if (line.size() > kLongestLine) continue;
    const bool may = line.find("utenberg") != std::string_view::npos || line.find("UTENBERG") != std::string_view::npos ||
                     line.find("SMALL PRINT") != std::string_view::npos;
    if (!may) continue;
    const std::string words = plain_words(line);
    if (starts_book(words)) {
      std::size_t end = i + 1;
      // Credits are a paragraph of their own right behind the line.
      std::size_t next = end;
      const auto at = [&](std::size_t k) { return text.substr(lines[k].begin, lines[k].end - lines[k].begin); };
      while (next < lines.size() && is_blank_line(at(next))) ++next;
      if (next < lines.size() && is_credit(plain_words(at(next)))) {
        end = next;
        while (end < lines.size() && !is_blank_line(at(end))) ++end;
      }
      clear(in_book && any_start ? i : open, end);
      in_book = any_start = true;
      i = end - 1;
    } else if (ends_book(words)) {
      if (in_book) open = i;
      in_book = false;
      any_start = true;
    }
  }
  if (!in_book) clear(open, lines.size());
}

}  // namespace temper::filters
