// contract: read, read, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 9>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 12>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 12>;

@compute @workgroup_size(4, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<i32>(words[0].x);
  let v0 = (i32(workgroup.x) * 4i) + i32(lane.x);
  let v13 = p0 * 4i;
  if (v0 < v13) {
    let v1 = v0 % 4i;
    let v2 = v0 / 4i;
    let v3 = min(v2, p0 - 1i);
    let v4 = v2 < p0;
    var v5: f32 = 0.0f;
    let v6 = v3 * 3i;
    let v7 = b0[v6];
    let v8 = b1[v1];
    let v9 = b0[v6 + 1i];
    let v10 = b1[v1 + 4i];
    let v11 = b0[v6 + 2i];
    let v12 = b1[v1 + 8i];
    v5 = v5 + (v7 * v8);
    v5 = v5 + (v9 * v10);
    v5 = v5 + (v11 * v12);
    if (v4) {
      b2[(v3 * 4i) + v1] = v5;
    }
  }
}

// max_exp_sum: read_write, read, read, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 12>;
@group(0) @binding(2) var<storage, read> b1: array<f32, 4>;
@group(0) @binding(3) var<storage, read> b2: array<i32, 3>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 3>;
@group(0) @binding(5) var<storage, read_write> b4: array<f32, 3>;
@group(0) @binding(6) var<storage, read_write> b5: array<f32, 12>;

fn nabla_exp(a0: f32) -> f32 {
  let v1: f32 = select(a0, -87.33000183105469f, (a0 < (-87.33000183105469f)));
  let v2: f32 = select(v1, 88.72000122070312f, (v1 > 88.72000122070312f));
  let v3: f32 = floor((v2 * 1.4426950216293335f) + 0.5f);
  let v4: f32 = (v2 - (v3 * 0.693115234375f)) - (v3 * 0.00003194618329871446f);
  let t0: f32 = (((0.0013926250394433737f * v4) + 0.00836323294788599f) * v4) + 0.04166655242443085f;
  let v5: f32 = v4 + ((v4 * v4) * ((((t0 * v4) + 0.16666576266288757f) * v4) + 0.5f));
  let v6: f32 = floor(v3 * 0.5f);
  let t1: i32 = i32(v6);
  let t2: f32 = v3 - v6;
  let v7: f32 = ((v5 + 1.0f) * bitcast<f32>((bitcast<u32>(t1 + 127i) << 23u))) * bitcast<f32>((bitcast<u32>(i32(t2) + 127i) << 23u));
  return select(select(v7, 3.4028234663852886e+38f, (a0 > 88.72000122070312f)), 0.0f, (a0 < (-87.33000183105469f)));
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let p1 = bitcast<i32>(words[0].y);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < p1) {
    let v1 = min(v0, 2i);
    var v2: f32 = -3.4028234663852886e+38f;
    for (var v3: i32 = 0i; v3 < 4i; v3++) {
      let v4 = (v1 * 4i) + v3;
      let v5 = b0[v4];
      let v6 = b1[v3];
      let v7 = v5 + v6;
      v2 = max(v2, v7);
    }
    let v8 = -v2;
    var v9: f32 = 0.0f;
    for (var v10: i32 = 0i; v10 < 4i; v10++) {
      let v11 = (v1 * 4i) + v10;
      let v12 = b0[v11];
      let v13 = b1[v10];
      let v14 = nabla_exp((v12 + v13) + v8);
      v9 = v9 + v14;
    }
    let v15 = b2[v1];
    b3[v1] = v2;
    b4[v1] = v9;
    for (var v16: i32 = 0i; v16 < 4i; v16++) {
      let v17 = (v1 * 4i) + v16;
      let v18 = b0[v17];
      let v19 = b1[v16];
      b5[(v1 * 4i) + v16] = ((nabla_exp((v18 + v19) + v8) / v9) + (-select(0.0f, 1.0f, v16 == v15))) / p0;
    }
  }
}

// log_gather_sum_and_contract_and_sum: read, read, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 3>;
@group(0) @binding(1) var<storage, read> b0: array<f32, 4>;
@group(0) @binding(2) var<storage, read> b1: array<u32, 68>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 4>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 324>;

fn nabla_log(a0: f32) -> f32 {
  let v1: u32 = bitcast<u32>(a0);
  let v2: f32 = bitcast<f32>((v1 & 8388607u) | 1065353216u);
  let v3: f32 = f32((i32(((v1 >> 23u) & 255u)) - 127i));
  let v4: bool = v2 > 1.4142135381698608f;
  let v5: f32 = select(v3, v3 + 1.0f, v4);
  let v6: f32 = select(v2, v2 * 0.5f, v4) - 1.0f;
  let v7: f32 = v6 / (2.0f + v6);
  let v8: f32 = v7 * v7;
  let t0: f32 = (((0.2333216816186905f * v8) + 0.28550758957862854f) * v8) + 0.4000012278556824f;
  let v9: f32 = v6 - (v7 * (v6 - (v8 * ((t0 * v8) + 0.6666666865348816f))));
  let v10: f32 = (v5 * 0.693115234375f) + ((v5 * 0.00003194618329871446f) + v9);
  let v11: f32 = select(v10, a0, (v1 & 2139095040u) == 2139095040u);
  let v12: f32 = bitcast<f32>(((v1 & 0u) | select(4286578688u, 2143289344u, (a0 < 0.0f))));
  return select(v11, v12, (a0 < 1.1754943508222875e-38f));
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let p1 = bitcast<i32>(words[0].y);
  let p2 = bitcast<i32>(words[0].z);
  let p3 = bitcast<i32>(words[0].w);
  let p4 = bitcast<i32>(words[1].x);
  let p5 = bitcast<i32>(words[1].y);
  let p6 = bitcast<i32>(words[1].z);
  let p7 = bitcast<i32>(words[1].w);
  let p8 = bitcast<i32>(words[2].x);
  let p9 = bitcast<i32>(words[2].y);
  let p10 = bitcast<i32>(words[2].z);
  let p11 = bitcast<i32>(words[2].w);
  if (i32(workgroup.x) < 1i) {
    let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
    if (v0 < 1i) {
      let v1 = min(v0, 0i);
      var v2: f32 = 0.0f;
      for (var v3: i32 = 0i; v3 < p1; v3++) {
        let v4 = b3[p6 + v3];
        let v5 = b3[p7 + v3];
        let v6 = bitcast<i32>(b1[p3 + v3]);
        let v7 = min(max(v6, 0i), 3i);
        let v8 = (v3 * 4i) + v7;
        let v9 = b3[p8 + v8];
        let v10 = b0[p2 + v7];
        let v11 = (v4 + nabla_log(v5)) + (-(v9 + v10));
        v2 = v2 + v11;
      }
      b2[p5 + 0i] = v2 / p0;
    }
  }
  if ((i32(workgroup.x) >= 1i) & (i32(workgroup.x) < 2i)) {
    let v12 = i32(workgroup.x) - 1i;
    let v13 = (v12 * 16i) + i32(lane.x);
    if (v13 < 12i) {
      let v14 = v13 % 4i;
      let v15 = v13 / 4i;
      var v16: f32 = 0.0f;
      for (var v17: i32 = 0i; v17 < p1; v17++) {
        let v18 = v17 * 3i;
        let v19 = bitcast<f32>(b1[p4 + (v15 + v18)]);
        let v20 = v17 * 4i;
        let v21 = b3[p9 + (v14 + v20)];
        v16 = v16 + (v19 * v21);
      }
      b3[p10 + ((v15 * 4i) + v14)] = v16;
    }
  }
  if (i32(workgroup.x) >= 2i) {
    let v22 = i32(workgroup.x) - 2i;
    let v23 = (v22 * 16i) + i32(lane.x);
    if (v23 < 4i) {
      let v24 = min(v23, 3i);
      var v25: f32 = 0.0f;
      for (var v26: i32 = 0i; v26 < p1; v26++) {
        let v27 = (v26 * 4i) + v24;
        let v28 = b3[p9 + v27];
        v25 = v25 + v28;
      }
      b3[p11 + v24] = v25;
    }
  }
}

// finite_any: read_write, read_write, read_write, read_write, read_write, read_write, read_write
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 1>;
@group(0) @binding(1) var<storage, read_write> b0: array<u32, 1>;
@group(0) @binding(2) var<storage, read_write> b1: array<f32, 1>;
@group(0) @binding(3) var<storage, read_write> b2: array<f32, 12>;
@group(0) @binding(4) var<storage, read_write> b3: array<f32, 4>;
@group(0) @binding(5) var<storage, read_write> b4: array<u32, 1>;
@group(0) @binding(6) var<storage, read_write> b5: array<u32, 4>;
@group(0) @binding(7) var<storage, read_write> b6: array<u32, 12>;

fn nabla_is_finite(a0: f32) -> bool {
  return (bitcast<u32>(a0) & 2139095040u) != 2139095040u;
}

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
  if (v0 < 1i) {
    let v1 = min(v0, 0i);
    let v2 = b0[0i];
    let v3 = b1[0i];
    var v4: bool = false;
    for (var v5: i32 = 0i; v5 < 3i; v5++) {
      for (var v6: i32 = 0i; v6 < 4i; v6++) {
        let v7 = (v5 * 4i) + v6;
        let v8 = b2[v7];
        let v9 = !nabla_is_finite(v8);
        v4 = v4 | v9;
      }
    }
    var v10: bool = false;
    for (var v11: i32 = 0i; v11 < 4i; v11++) {
      let v12 = b3[v11];
      let v13 = !nabla_is_finite(v12);
      v10 = v10 | v13;
    }
    let v14 = select(select(0u, u32(p0), ((!nabla_is_finite(v3)) | v4) | v10), v2, v2 != 0u);
    let v15 = v14 == 0u;
    b4[0i] = v14;
    b0[0i] = v14;
    for (var v16: i32 = 0i; v16 < 4i; v16++) {
      b5[v16] = select(0u, 1u, v15);
    }
    for (var v17: i32 = 0i; v17 < 3i; v17++) {
      for (var v18: i32 = 0i; v18 < 4i; v18++) {
        b6[(v17 * 4i) + v18] = select(0u, 1u, v15);
      }
    }
  }
}

// sqrt_x2: read_write, read
@group(0) @binding(0) var<uniform> words: array<vec4<u32>, 5>;
@group(0) @binding(1) var<storage, read_write> b0: array<f32, 324>;
@group(0) @binding(2) var<storage, read> b1: array<u32, 324>;

@compute @workgroup_size(16, 1, 1)
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_id) lane: vec3<u32>) {
  let p0 = bitcast<f32>(words[0].x);
  let p1 = bitcast<f32>(words[0].y);
  let p2 = bitcast<f32>(words[0].z);
  let p3 = bitcast<f32>(words[0].w);
  let p4 = bitcast<f32>(words[1].x);
  let p5 = bitcast<f32>(words[1].y);
  let p6 = bitcast<f32>(words[1].z);
  let p7 = bitcast<f32>(words[1].w);
  let p8 = bitcast<i32>(words[2].x);
  let p9 = bitcast<i32>(words[2].y);
  let p10 = bitcast<i32>(words[2].z);
  let p11 = bitcast<i32>(words[2].w);
  let p12 = bitcast<i32>(words[3].x);
  let p13 = bitcast<i32>(words[3].y);
  let p14 = bitcast<i32>(words[3].z);
  let p15 = bitcast<i32>(words[3].w);
  let p16 = bitcast<i32>(words[4].x);
  let p17 = bitcast<i32>(words[4].y);
  if (i32(workgroup.x) < 1i) {
    let v0 = (i32(workgroup.x) * 16i) + i32(lane.x);
    if (v0 < 12i) {
      let v1 = min(v0, 11i);
      let v2 = v1 % 4i;
      let v3 = v1 / 4i;
      let v4 = (v3 * 4i) + v2;
      let v5 = (b1[p14 + v4] != 0u);
      let v6 = (v3 * 4i) + v2;
      let v7 = b0[p8 + v6];
      let v8 = (v3 * 4i) + v2;
      let v9 = bitcast<f32>(b1[p15 + v8]);
      let v10 = (v7 * p0) + (v9 * p1);
      let v11 = (v3 * 4i) + v2;
      let v12 = b0[p9 + v11];
      let v13 = (v12 * p2) + ((v9 * v9) * p3);
      let v14 = (v3 * 4i) + v2;
      let v15 = b0[p10 + v14];
      b0[p8 + ((v3 * 4i) + v2)] = select(v7, v10, v5);
      b0[p9 + ((v3 * 4i) + v2)] = select(v12, v13, v5);
      let t0: f32 = v13 / p6;
      b0[p10 + ((v3 * 4i) + v2)] = select(v15, v15 + (-(((v10 / p4) * p5) / (sqrt(t0) + p7))), v5);
    }
  }
  if (i32(workgroup.x) >= 1i) {
    let v16 = i32(workgroup.x) - 1i;
    let v17 = (v16 * 16i) + i32(lane.x);
    if (v17 < 4i) {
      let v18 = min(v17, 3i);
      let v19 = (b1[p16 + v18] != 0u);
      let v20 = b0[p11 + v18];
      let v21 = bitcast<f32>(b1[p17 + v18]);
      let v22 = (v20 * p0) + (v21 * p1);
      let v23 = b0[p12 + v18];
      let v24 = (v23 * p2) + ((v21 * v21) * p3);
      let v25 = b0[p13 + v18];
      b0[p11 + v18] = select(v20, v22, v19);
      b0[p12 + v18] = select(v23, v24, v19);
      let t1: f32 = v24 / p6;
      b0[p13 + v18] = select(v25, v25 + (-(((v22 / p4) * p5) / (sqrt(t1) + p7))), v19);
    }
  }
}
