// A case for the street: body (front), lid (back, on the wall) and hood. All lengths in millimetres.
// `make case` writes body.stl, lid.stl, hood.stl and case.png. Print the body on its face, lid and hood as they lie.
// x runs along the width, y up the wall, z away from the face into the wall.

part = "all"; // body, lid, hood, or all of it, taken apart

// The case
width = 84;
height = 140;
depth = 44;
corner = 10;
chamfer = 2;
wall = 3;
rim = 9;         // at the open side: room for gasket and screws
rim_depth = 8;
lid_thickness = 5;
tongue = 2;      // of the lid, into the body
gap = 0.3;       // between parts that fit into each other

// Gasket: a cord of silicone, 2 mm, in a groove that passes inside the screws
groove_inset = 6.2;
groove_width = 2.2;
groove_depth = 1.5;
groove_corner = 12;

// Screws: M3 into inserts in the body, heads sunk into the lid; 4 mm into the wall
screw_inset = 5;
insert_hole = 4;
insert_depth = 8;
screw_hole = 3.4;
screw_head = 6.6;
wall_screw = 4.5;
ear = 15;

// Face: where things look out. Measure your camera before you print.
camera_y = 112;          // centre of the lens
window = 25.4;           // a disc of acrylic, 25 x 2
window_depth = 2.2;
window_hole = 20;
lens_height = 9;         // from the camera's board to the front of its lens
camera_holes = [21, 12.5];
lens_to_lower_holes = 0; // the lens lies in line with the two lower holes
pir_y = 78;
pir_hole = 10.4;
infrared_at = [29, 8];   // from the lens, four of them
infrared_hole = 5.2;
light_y = 58;
light_hole = 5.2;
button_y = 30;
button_hole = 16.2;
gland_hole = 12.4;       // cable gland M12, in the bottom
vent_hole = 5;           // closed by a membrane, in the bottom

// Zero 2 W: 65 x 30, holes 58 x 23 (Raspberry Pi's mechanical drawing)
pi_holes = [23, 58];
pi_at = [25, 82];
pi_post = 5;
relay_at = [60, 72];     // a board of 50 x 26, on tape
relay = [27, 52];

hood_radius = 17.5;      // of its inside, clear of the picture's edge for 102 by 67 degrees
hood_thickness = 3;
hood_reach = 9;
hood_angle = 50;         // to each side of straight up
peg = 3;
peg_depth = 1.8;

$fn = 48;
e = 0.01;

module plate(inset, r, z0, z1) {
  translate([0, 0, z0]) linear_extrude(z1 - z0) translate([inset, inset]) offset(r) offset(-r)
    square([width - 2 * inset, height - 2 * inset]);
}

module at_corners(inset) {
  for (x = [inset, width - inset], y = [inset, height - inset]) translate([x, y, 0]) children();
}

module around(holes) {
  for (x = [-holes[0] / 2, holes[0] / 2], y = [-holes[1] / 2, holes[1] / 2]) translate([x, y, 0]) children();
}

// ---- body: its face lies at z = 0
module body() {
  difference() {
    union() {
      difference() {
        hull() {
          plate(chamfer, corner - chamfer, 0, e);
          plate(0, corner, chamfer, depth);
        }
        cavity();
      }
      camera_posts();
    }
    face_holes();
    groove();
    at_corners(screw_inset) translate([0, 0, depth - insert_depth]) cylinder(d = insert_hole, h = insert_depth + e);
    translate([width * 0.35, -e, depth / 2]) rotate([-90, 0, 0]) cylinder(d = gland_hole, h = wall + 2 * e);
    translate([width * 0.65, -e, depth / 2]) rotate([-90, 0, 0]) cylinder(d = vent_hole, h = wall + 2 * e);
  }
}

module cavity() {
  slope = rim - wall; // at 45 degrees, so that it prints without support
  plate(wall, corner - wall, wall, depth - rim_depth - slope);
  hull() {
    plate(wall, corner - wall, depth - rim_depth - slope - e, depth - rim_depth - slope);
    plate(rim, rim, depth - rim_depth, depth - rim_depth + e);
  }
  plate(rim, rim, depth - rim_depth, depth + e);
}

module camera_posts() {
  translate([width / 2, camera_y - lens_to_lower_holes + camera_holes[1] / 2, wall - e])
    around(camera_holes) difference() {
      cylinder(d = 5, h = lens_height + 0.5);
      translate([0, 0, 1]) cylinder(d = 1.7, h = lens_height);
    }
}

module face_holes() {
  translate([width / 2, camera_y, 0]) {
    translate([0, 0, -e]) cylinder(d = window, h = window_depth);
    translate([0, 0, -e]) cylinder(d = window_hole, h = wall + 2 * e);
    around(2 * infrared_at) translate([0, 0, -e]) cylinder(d = infrared_hole, h = wall + 2 * e);
    pegs(peg + gap, peg_depth);
  }
  for (hole = [[pir_y, pir_hole], [light_y, light_hole], [button_y, button_hole]])
    translate([width / 2, hole[0], -e]) cylinder(d = hole[1], h = wall + 2 * e);
}

module groove() {
  translate([0, 0, depth - groove_depth]) linear_extrude(groove_depth + e) difference() {
    ring(groove_inset - groove_width / 2, groove_corner + groove_width / 2);
    ring(groove_inset + groove_width / 2, groove_corner - groove_width / 2);
  }
}

module ring(inset, r) {
  translate([inset, inset]) offset(r) offset(-r) square([width - 2 * inset, height - 2 * inset]);
}

// ---- lid: its back lies at z = 0, as it is printed; x is seen from inside
module lid() {
  difference() {
    union() {
      plate(0, corner, 0, lid_thickness);
      for (y = [0, height]) ear(y);
      plate(rim + gap, rim - gap, lid_thickness - e, lid_thickness + tongue);
      translate([pi_at[0], pi_at[1], lid_thickness]) around(pi_holes) cylinder(d = 6, h = pi_post + tongue);
      relay_frame();
    }
    translate([pi_at[0], pi_at[1], 2]) around(pi_holes) cylinder(d = 2.1, h = 20);
    at_corners(screw_inset) {
      translate([0, 0, -e]) cylinder(d = screw_hole, h = lid_thickness + 2 * e);
      translate([0, 0, -e]) cylinder(d1 = screw_head, d2 = screw_hole, h = 2.2);
    }
    for (y = [-ear * 0.55, height + ear * 0.55]) translate([width / 2, y, 0]) {
      translate([0, 0, -e]) cylinder(d = wall_screw, h = lid_thickness + 2 * e);
      translate([0, 0, lid_thickness - 2.4]) cylinder(d1 = wall_screw, d2 = 9, h = 2.4 + e);
    }
  }
}

module ear(y) {
  away = y == 0 ? -1 : 1;
  hull() {
    translate([width / 2, y + away * ear * 0.4, 0]) cylinder(r = ear * 0.6, h = lid_thickness);
    translate([width / 2 - 18, y - away * 6 - 3, 0]) cube([36, 6, lid_thickness]);
  }
}

module relay_frame() {
  translate([relay_at[0] - relay[0] / 2, relay_at[1] - relay[1] / 2, lid_thickness + tongue - e]) difference() {
    translate([-1.5, -1.5, 0]) cube([relay[0] + 3, relay[1] + 3, 3]);
    translate([0, 0, -1]) cube([relay[0], relay[1], 5]);
    translate([4, -3, -1]) cube([relay[0] - 8, relay[1] + 6, 5]);
  }
}

// ---- hood: an arch above the window, held by two pegs and glue; its front lies at z = 0
module hood() {
  linear_extrude(hood_reach) arch();
  translate([0, 0, hood_reach - e]) pegs(peg, peg_depth - gap);
}

module arch() {
  intersection() {
    difference() {
      circle(hood_radius + hood_thickness);
      circle(hood_radius);
    }
    polygon([[0, 0], [60 * -sin(hood_angle), 60 * cos(hood_angle)], [0, 90], [60 * sin(hood_angle), 60 * cos(hood_angle)]]);
  }
}

module pegs(d, h) {
  for (angle = [-35, 35]) rotate(angle) translate([0, hood_radius + hood_thickness / 2, 0]) cylinder(d = d, h = h);
}

// ---- the picture: from the street, from the wall without its lid, and the lid from inside
module taken_apart() {
  rotate([90, 0, 0]) {
    outside();
    translate([width + 28, 0, 0]) color(grey) body();
    translate([2 * (width + 28), 0, 0]) inside();
  }
}

grey = "#e9e6df";
green = "#20573d";

module outside() {
  color(grey) translate([0, 0, depth]) mirror([0, 0, 1]) body();
  translate([width / 2, 0, depth]) {
    color(green) translate([0, camera_y, 0]) linear_extrude(hood_reach) arch();
    color("#9fc3dc") translate([0, camera_y, -window_depth]) cylinder(d = window - 0.4, h = 2);
    color("#1d2733") translate([0, camera_y, -window_depth]) cylinder(d = 7, h = 2.1);
    color("#f4f4f2") translate([0, pir_y, -1]) sphere(d = 10);
    color("#2e8b3d") translate([0, light_y, 0]) sphere(d = 5);
    color("#b9c1c9") translate([0, button_y, 0]) cylinder(d = 19, h = 2.5);
    color("#dfe4e8") translate([0, button_y, 0]) cylinder(d = 14, h = 3.2);
    color("#4a3450") translate([0, camera_y, 0]) around(2 * infrared_at) sphere(d = 5);
  }
}

module inside() {
  color("#cfcabf") lid();
  top = lid_thickness + tongue;
  color(green) translate([pi_at[0] - 15, pi_at[1] - 32.5, top + pi_post]) cube([30, 65, 1.4]);
  color("#20262d") translate([pi_at[0] + 9, pi_at[1] - 25, top + pi_post]) cube([5, 51, 9]);
  color("#1f5296") translate([relay_at[0] - 12.5, relay_at[1] - 25, top]) cube([25, 50, 1.6]);
  color("#3f7fc4") translate([relay_at[0] - 8, relay_at[1] - 5, top]) cube([16, 20, 17]);
}

if (part == "body") body();
else if (part == "lid") lid();
else if (part == "hood") hood();
else taken_apart();
