// Licences, navigation and repeated lines; and prose and plays that have none.
#include <catch.h>

#include "boilerplate.h"
#include "support.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

namespace {

std::string cleaned(const std::string& text, const BoilerplateParams& params = {}) {
  return after(Boilerplate(params), text);
}

const std::string kBody = "She put the letter down and looked out of the window.\nNobody was in the garden.\n";

}  // namespace

TEST_CASE("licences of source files go, other comments stay") {
  CHECK(cleaned("// Copyright 2020 The Authors. All rights reserved.\n// Licensed under the Apache License, Version "
                "2.0.\n\nint x;\n") == "\nint x;\n");
  CHECK(cleaned("/*\n * Copyright (c) 1999 A. Body\n *\n * Permission is hereby granted, free of charge,\n * to any "
                "person.\n */\nint x;\n") == "int x;\n");
  CHECK(cleaned("# SPDX-License-Identifier: MIT\nimport os\n") == "import os\n");
  CHECK(cleaned("/* list.c: does lists\n *\n * Copyright (c) 1999 A. Body\n */\nint x;\n") ==
        "/* list.c: does lists\n *\n */\nint x;\n");
  const std::string comment = "// Adds two numbers.\nint add(int a, int b);\n";
  CHECK(cleaned(comment) == comment);
  const std::string unclosed = "/* Copyright (c) 1999\nint x;\n";
  CHECK(cleaned(unclosed) == unclosed);
  CHECK(verdict_on(Boilerplate({}), "# SPDX-License-Identifier: MIT\nx\n").spans.at(0).type == "licence");
}

TEST_CASE("a licence in plain text is told by its sentences, not by its name") {
  CHECK(cleaned("Permission is hereby granted, free of charge, to any person obtaining a copy\nof this software, to deal in "
                "it.\n\nText.\n") == "\nText.\n");
  const std::string prose = "The GNU General Public License was written by Stallman. It is long.\n";
  CHECK(cleaned(prose) == prose);
}

TEST_CASE("the headers and footers of Project Gutenberg go") {
  const std::string book =
      "The Project Gutenberg EBook of Poems\n\nThis eBook is for the use of anyone anywhere at no cost and with\nalmost no "
      "restrictions.\n\n"
      "*** START OF THIS PROJECT GUTENBERG EBOOK POEMS ***\n\nProduced by Some Body\nand others\n\n" +
      kBody + "\n*** END OF THIS PROJECT GUTENBERG EBOOK POEMS ***\n\nUpdated editions will replace the previous one.\n";
  CHECK(cleaned(book) == "\n" + kBody + "\n");
  const std::string mention = "He found it at Project Gutenberg, where the end of the project is not in sight.\n";
  CHECK(cleaned(mention) == mention);
}

TEST_CASE("menus, buttons and notices go, sentences with their words stay") {
  for (const std::string line : {"Home | About | Contact", "Home \u00BB News \u00BB Contact Us \u00BB Sitemap",
                                 "Read more...", "Share this:", "\u00AB Previous post", "Leave a comment",
                                 "We use cookies to give you the best experience. By continuing you accept them.",
                                 "\u00A9 2019 Example Ltd. All rights reserved.", "Copyright (c) 2001-2005 Example",
                                 "This entry was posted in Art and tagged prints. Bookmark the permalink.",
                                 "\uD648 | \uB85C\uADF8\uC778 | \uD68C\uC6D0\uAC00\uC785",
                                 "\uBB34\uB2E8\uC804\uC7AC \uBC0F \uC7AC\uBC30\uD3EC \uAE08\uC9C0"}) {
    CAPTURE(line);
    CHECK(cleaned(line + "\n" + kBody) == kBody);
  }
  CHECK(cleaned("Home\nAbout\nContact\n" + kBody) == kBody);
  for (const std::string line :
       {"Home", "She went home | or so they said.", "You can read more about it in the second chapter.",
        "Please share this with your friends.", "The cookies were still warm, and we use butter.",
        "Copyright 2001 was a busy year for the courts.", "ROMEO: Home, and about it!",
        "The about page | the contact page | and a third thing that nobody ever wrote down here"}) {
    CAPTURE(line);
    CHECK(cleaned(line + "\n" + kBody) == line + "\n" + kBody);
  }
}

TEST_CASE("repeated lines go but for the first; speakers, indented and short lines may repeat") {
  const std::string line = "Sign up now for our wonderful offers\n";
  const std::string text = line + "One.\n" + line + "Two.\n" + line + "Three.\n";
  CHECK(cleaned(text) == line + "One.\nTwo.\nThree.\n");
  CHECK(verdict_on(Boilerplate({}), text).spans.at(0).type == "repeated_line");
  const std::string twice = line + "One.\n" + line + "Two.\n";
  CHECK(cleaned(twice) == twice);
  for (const std::string kept :
       {"THE DUKE OF BUCKINGHAM THE SECOND:\n", "    return the_same_value_as_before;\n", "Exeunt.\n"}) {
    const std::string play = repeat(kept + "Words of no weight.\n", 2) + kept;
    CHECK(cleaned(play) == play);
  }
  std::string book;
  for (int i = 0; i < 1000; ++i)
    book += (i % 300 == 0 ? "My lady shrugged her shoulders again." : "Line " + std::to_string(i)) + "\n";
  CHECK(cleaned(book) == book);  // a book may say something four times
}

TEST_CASE("each rule has a switch, and nothing is left for a second pass") {
  const BoilerplateParams off{false, false, false, false, false};
  const std::string text = "# SPDX-License-Identifier: MIT\nHome | About | Contact\n\u00A9 2019 Example\n" +
                           repeat("The same long line once again.\n", 5);
  CHECK(cleaned(text, off) == text);
  const Boilerplate filter({});
  for (const std::string& again : {text, "Home\nAbout\n" + repeat("The same long line once again.\n", 3) + "Contact\n",
                                   std::string(), std::string("\n\n")}) {
    CHECK(verdict_on(filter, after(filter, again)).spans.empty());
  }
}

TEST_CASE("plays, prose and articles are left alone; ten lines of the web sample go") {
  const std::string plays = shared_data("corpus/tinyshakespeare.txt"), web = shared_data("corpus/c4_sample.jsonl");
  if (plays.empty() || web.empty()) return;
  std::ifstream file(plays);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const Boilerplate filter({});
  CHECK(verdict_on(filter, text).spans.empty());
  std::size_t spans = 0;
  for (const auto& row : rows_of(web)) spans += verdict_on(filter, row["text"]).spans.size();
  CHECK(spans == 10);
}

TEST_CASE("a megabyte of anything is a matter of a moment") {
  const Boilerplate filter({});
  for (const std::string part :
       {"a", "/*", "/*\n", "//\n", "| ", "\n", "Home | ", "a b c.\n", "\u00A9 ", "*** START OF THE PROJECT GUTENBERG\n"}) {
    CHECK(after(filter, repeat(part, (std::size_t{1} << 20) / part.size())).size() <= std::size_t{1} << 20);
  }
}
